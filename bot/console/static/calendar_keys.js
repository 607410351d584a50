// The calendar without a mouse: one stop for Tab, arrows between times and bookings, M to move.

import { clock, field, keepStill, keyOf, letGo, root, say, view, word } from "./calendar_page.js";
import { STEP, FINE, board, byPerson, canGo, closes, columns, from, lay, links, opens, put, refusal, sideways, stateOf, target, until, whom } from "./calendar_grid.js";
import { anyOpen, askMove, open } from "./calendar_sheets.js";

const slot = lay0();
let anchor = null; // the minute that left and right keep to
let home = null; // the key of what Tab comes to
let moving = null;

function lay0() {
  const one = document.createElement("button");
  one.type = "button";
  one.dataset.ours = "";
  one.addEventListener("click", () => bookAt(one.closest("[data-col]"), Number(one.dataset.minute)));
  one.addEventListener("blur", () => setTimeout(() => { if (document.activeElement !== one && !anyOpen()) one.remove(); }));
  return one;
}

// After every drawing: only one element of the board is a stop for Tab.
export function rove() {
  const shown = view.firstElementChild;
  if (shown.matches("[data-agenda]")) return;
  // Screen readers hand the arrow keys to the page here; every element in it says all about itself.
  if (board()) shown.setAttribute("role", "application");
  const all = [...shown.querySelectorAll("[data-key] a.cover, a[data-key]")];
  for (const link of all) {
    link.tabIndex = -1;
    link.draggable = false;
  }
  const stop = all.find((link) => keyOf(link) === home) ?? all[0];
  if (stop) stop.tabIndex = 0;
  shown.tabIndex = stop ? -1 : 0;
}

function focus(link) {
  for (const one of view.querySelectorAll("[tabindex='0']")) one.tabIndex = -1;
  link.tabIndex = 0;
  home = keyOf(link);
  link.focus();
  link.closest("[data-key]").scrollIntoView({ block: "nearest", inline: "nearest" });
}

function go(column, minute) {
  const there = links(column).find((link) => from(link) <= minute && minute < until(link));
  if (there) {
    focus(there);
    return;
  }
  put(slot, "slot", column, minute, minute + STEP);
  slot.dataset.minute = String(minute);
  slot.textContent = clock(minute);
  slot.setAttribute("aria-label", `${clock(minute)}, ${column.dataset.name}, ${stateOf(column, minute)}`);
  slot.focus();
  slot.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function step(element, key, fine) {
  const column = element.closest("[data-col]");
  const size = fine ? FINE : STEP;
  const isSlot = element === slot;
  const start = isSlot ? Number(slot.dataset.minute) : from(element);
  const end = isSlot ? start + size : until(element);
  if (key === "ArrowLeft" || key === "ArrowRight") {
    const all = columns();
    const next = all[all.indexOf(column) + sideways(key)];
    anchor ??= Math.max(start, opens());
    if (next) go(next, anchor);
    return;
  }
  anchor = null;
  const all = links(column);
  if (key === "Home") go(column, opens());
  else if (key === "End") go(column, closes() - STEP);
  else if (key === "ArrowDown") {
    const next = isSlot ? all.find((link) => from(link) > start && from(link) < end) : all[all.indexOf(element) + 1];
    if (next && from(next) < end) focus(next);
    else if (end < closes()) go(column, end);
  } else {
    const before = isSlot
      ? all.filter((link) => until(link) > start - size && from(link) < start).at(-1)
      : all[all.indexOf(element) - 1];
    if (before && until(before) > start - size) focus(before);
    else if (start > opens()) go(column, Math.max(start - size, opens()));
  }
}

// In the week: between days and people, and within a day from one to the next.
function stepWeek(element, key) {
  const cell = element.closest("[data-cell]") ?? element.closest("td");
  const row = cell.parentElement;
  const body = cell.closest("tbody");
  const cells = [...row.querySelectorAll("[data-cell]")];
  const at = Math.max(cells.indexOf(cell), 0);
  const items = [...cell.querySelectorAll("a[data-key]")];
  let next = null;
  if (key === "ArrowDown") next = items[items.indexOf(element) + 1] ?? inRow(body.nextElementSibling, at);
  else if (key === "ArrowUp") next = items[items.indexOf(element) - 1] ?? inRow(body.previousElementSibling, at, true);
  else if (key === "Home" || key === "End") next = enter(cells.at(key === "Home" ? 0 : -1));
  else {
    const there = cells[at + sideways(key)];
    next = there ? enter(there) : null;
  }
  if (!next) return;
  if (next.matches("a")) focus(next);
  else {
    next.tabIndex = -1;
    next.setAttribute("aria-label", `${next.closest("tbody").dataset.name}, ${next.dataset.said}, ${word("free")}`);
    next.focus();
  }
}

const enter = (cell, last) => (cell ? [...cell.querySelectorAll("a[data-key]")].at(last ? -1 : 0) ?? cell : null);
const inRow = (body, at, last) => (body?.matches("tbody") ? enter([...body.querySelectorAll("[data-cell]")][at], last) : null);

export function bookAt(column, minute) {
  const query = new URLSearchParams({ place: root.dataset.place, day: column.dataset.day, time: field(minute) });
  if (column.dataset.whose === "staff" && column.dataset.col) query.set("staff", column.dataset.col);
  return open("/console/calendar/new?" + query);
}

function bookHere() {
  const focused = document.activeElement;
  const column = view?.contains(focused) ? focused.closest("[data-col]") : null;
  if (column) {
    bookAt(column, focused === slot ? Number(slot.dataset.minute) : from(focused));
    return;
  }
  const cell = focused.closest?.("[data-cell]");
  const query = new URLSearchParams({ place: root.dataset.place, day: cell?.dataset.day ?? root.dataset.day });
  if (cell && byPerson()) query.set("staff", cell.closest("tbody").dataset.row);
  open("/console/calendar/new?" + query);
}

// Moving by keyboard

function lift(link) {
  const weekly = !board();
  const own = weekly ? link.closest("[data-cell]") : link.closest("[data-col]");
  if (!own) {
    // A bar of several days: its new day is said, not drawn.
    open(`/console/bookings/${link.dataset.booking}/move`, "small");
    return;
  }
  keepStill();
  moving = { link, weekly, own, at: own, delta: 0, ghost: null };
  link.closest("[data-key]").classList.add("lifted");
  if (!weekly) {
    moving.ghost = lay("drop", own, from(link), until(link));
    moving.ghost.setAttribute("aria-hidden", "true");
  } else own.classList.add("target");
  const name = link.closest("[data-key]").querySelector("strong")?.textContent ?? "";
  say(word("lifted", { name }));
}

function steer(key, fine) {
  const { link, weekly, ghost } = moving;
  if (weekly) {
    const cells = [...view.querySelectorAll("[data-cell]")];
    const wide = moving.at.parentElement.querySelectorAll("[data-cell]").length;
    const by = key === "ArrowUp" ? -wide : key === "ArrowDown" ? wide : sideways(key);
    const next = cells[cells.indexOf(moving.at) + by];
    if (!next || (Math.abs(by) === 1 && next.parentElement !== moving.at.parentElement)) return;
    moving.at.classList.remove("target", "cannot");
    moving.at = next;
    const can = canLand(link, next);
    next.classList.add("target", ...(can ? [] : ["cannot"]));
    next.scrollIntoView({ block: "nearest", inline: "nearest" });
    const name = next.closest("tbody").dataset.name;
    say(can ? `${next.dataset.said}, ${name}` : refusal(name));
    return;
  }
  if (key === "ArrowLeft" || key === "ArrowRight") {
    const all = columns();
    moving.at = all[all.indexOf(moving.at) + sideways(key)] ?? moving.at;
  } else {
    const size = (fine ? FINE : STEP) * (key === "ArrowUp" ? -1 : 1);
    const first = from(link) + moving.delta + size;
    if (first >= opens() && first < closes()) moving.delta += size;
  }
  const first = from(link) + moving.delta;
  const can = canGo(link, moving.at);
  put(ghost, can ? "drop" : "drop cannot", moving.at, first, until(link) + moving.delta);
  ghost.textContent = can ? clock(first) : refusal(moving.at.dataset.name);
  ghost.scrollIntoView({ block: "nearest", inline: "nearest" });
  say(can ? word("to", { time: clock(first), name: moving.at.dataset.name }) : ghost.textContent);
}

export function canLand(link, cell) {
  const row = cell.closest("tbody");
  if (row === link.closest("tbody")) return true;
  return byPerson() && (link.dataset.able ?? "").split(" ").includes(row.dataset.row);
}

export function landing(link, cell) {
  const row = cell.closest("tbody");
  const other = row !== link.closest("tbody");
  const whose = whom(link, other, link.closest("tbody").dataset.row, row.dataset.row);
  return { minute: Number(link.dataset.minute), day: cell.dataset.day, ...whose, can: canLand(link, cell) };
}

export function drop(link, where, left) {
  const query = new URLSearchParams({ day: where.day, time: field(where.minute), staff: where.staff, version: link.dataset.version });
  if (where.give) query.set("give", where.give);
  say(word("dropped"));
  return askMove(`/console/bookings/${link.dataset.booking}/move?${query}`, left);
}

function settle(done) {
  const { link, weekly, at, delta, ghost } = moving;
  const still = !done || (!delta && at === moving.own);
  const where = weekly ? landing(link, at) : target(link, at, delta);
  const back = () => {
    ghost?.remove();
    at.classList.remove("target", "cannot");
    link.closest("[data-key]")?.classList.remove("lifted");
    letGo();
  };
  moving = null;
  if (still || !where.can) {
    back();
    say(where.can ? word("back") : refusal(at.dataset.name ?? at.closest("tbody").dataset.name));
    return;
  }
  drop(link, where, () => { back(); link.focus(); });
}

// Keys

const lettersOn = () => localStorage.getItem("calendar.letters") !== "off";

function letter(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  if (event.key === "?") root.querySelector("[data-keys]").showModal();
  else if (!lettersOn()) return false;
  else if (event.key.toLowerCase() === "n") bookHere();
  else if (event.key.toLowerCase() === "t") location.assign(root.dataset.today);
  else if (event.key.toLowerCase() === "m" && document.activeElement.matches?.("[data-movable]")) lift(document.activeElement);
  else return false;
  return true;
}

export function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    const focused = document.activeElement;
    if (anyOpen() || focused.matches("input, select, textarea")) return;
    const arrow = event.key.startsWith("Arrow");
    if (moving) {
      if (arrow) steer(event.key, event.shiftKey);
      else if (event.key === "Enter") settle(true);
      else if (event.key === "Escape" || event.key === "Tab") settle(false);
      else return;
      event.preventDefault();
      return;
    }
    if (!view) return;
    const inside = view.contains(focused) && !view.firstElementChild.matches("[data-agenda]");
    if (inside && (arrow || event.key === "Home" || event.key === "End") && !event.ctrlKey && !event.metaKey && !event.altKey) {
      if (!board() && focused.closest("td")) stepWeek(focused, event.key);
      else if (board() && (focused === slot || focused.matches("a.cover"))) step(focused, event.key, event.shiftKey);
      else if (focused === view.firstElementChild && board()) go(columns()[0], opens());
      else return;
      event.preventDefault();
    } else if (inside && (event.key === "PageUp" || event.key === "PageDown")) {
      location.assign(event.key === "PageUp" ? root.dataset.before : root.dataset.after);
      event.preventDefault();
    } else if (inside && event.key === "Enter" && focused.matches("[data-cell]")) {
      bookHere();
      event.preventDefault();
    } else if (letter(event)) event.preventDefault();
  });
  const letters = root.querySelector("[data-letters]");
  letters.checked = lettersOn();
  letters.addEventListener("change", () => localStorage.setItem("calendar.letters", letters.checked ? "on" : "off"));
}
