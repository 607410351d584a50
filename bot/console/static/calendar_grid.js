// Where things are on the board: columns, minutes of the day, tiles and free slots.

import { clock, rtl, view, word } from "./calendar_page.js";

export const STEP = 15;
export const FINE = 5;

export const board = () => view?.querySelector("[data-board]") ?? null;
export const columns = () => [...view.querySelectorAll("[data-col]")];
export const trackOf = (column) => column.querySelector("[data-track]");
export const opens = () => Number(board().dataset.opens);
export const closes = () => Number(board().dataset.closes);
export const byPerson = () => view.firstElementChild.dataset.by === "staff";
// Columns are people of one day, or days of one person.
export const byDay = () => new Set(columns().map((one) => one.dataset.day)).size > 1;
export const snap = (minute, fine) => Math.round(minute / (fine ? FINE : STEP)) * (fine ? FINE : STEP);

export const links = (column) => [...trackOf(column).querySelectorAll("a.cover")]
  .sort((one, other) => from(one) - from(other) || until(one) - until(other));
export const from = (link) => Number(link.closest("[data-key]").className.match(/\bat-(\d+)/)[1]) * FINE + opens();
export const until = (link) => Number(link.dataset.until);

export function minuteAt(track, y) {
  const box = track.getBoundingClientRect();
  const style = getComputedStyle(track);
  const top = box.top + parseFloat(style.paddingTop);
  const row = parseFloat(style.gridAutoRows);
  return opens() + ((y - top) / row) * FINE;
}

export function stateOf(column, minute) {
  const lies = (one) => {
    const row = (minute - opens()) / FINE;
    const [, at] = one.className.match(/\bat-(\d+)/);
    const [, rows] = one.className.match(/\bfor-(\d+)/);
    return Number(at) <= row && row < Number(at) + Number(rows);
  };
  const track = trackOf(column);
  if ([...track.querySelectorAll(".away")].some(lies)) return word("away");
  return [...track.querySelectorAll(".works")].some(lies) ? word("free") : word("closed");
}

// Something of ours that lies in a track from one minute to another.
export function lay(kind, column, first, last, text) {
  const one = document.createElement(kind === "slot" ? "button" : "div");
  one.dataset.ours = "";
  put(one, kind, column, first, last);
  one.textContent = text ?? clock(first);
  return one;
}

export function put(one, kind, column, first, last) {
  const start = Math.max(first, opens());
  const rows = Math.max(Math.round((Math.min(last, closes()) - start) / FINE), 1);
  one.className = `${kind} at-${Math.round((start - opens()) / FINE)} for-${rows}`;
  if (one.parentElement !== trackOf(column)) trackOf(column).append(one);
}

// Left and right as they are seen.
export const sideways = (key) => ((key === "ArrowRight") === !rtl ? 1 : -1);

// Where a tile would be moved: who does it, on which day, from which minute; null where it cannot go.
export function target(link, column, delta) {
  const own = link.closest("[data-col]");
  const minute = Number(link.dataset.minute) + delta;
  const moved = column !== own;
  const day = byDay() ? shiftDay(link.dataset.day, own.dataset.day, column.dataset.day) : link.dataset.day;
  const other = moved && byPerson() && !byDay();
  return { minute: Math.min(Math.max(minute, 0), 24 * 60 - FINE), day, ...whom(link, other, own.dataset.col, column.dataset.col), can: canGo(link, column) };
}

// Who does it after a drop: of a visit of several parts only the one that was dragged goes to somebody else.
export function whom(link, other, own, to) {
  if (!other) return { staff: link.dataset.person ?? "" };
  return link.dataset.part === undefined ? { staff: to } : { staff: "", give: `${link.dataset.part}:${own}:${to}` };
}

export function canGo(link, column) {
  if (column === link.closest("[data-col]") || byDay()) return true;
  if (!byPerson()) return false; // which room it is in is not chosen by hand
  return (link.dataset.able ?? "").split(" ").includes(column.dataset.col);
}

// Why it cannot go there.
export const refusal = (name) => (byPerson() ? word("cannot", { name }) : word("room"));

export function shiftDay(day, was, now) {
  const days = (Date.parse(now) - Date.parse(was)) / 86_400_000;
  return new Date(Date.parse(day) + days * 86_400_000).toISOString().slice(0, 10);
}
