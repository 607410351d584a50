// The calendar's page: what it says, and how it takes the server's newer board in place of its own
// without taking away the focus, the scroll, or what somebody is just moving.

import { ask, parsed } from "./server.js";

export const root = document.querySelector("[data-calendar]");
export const view = root.querySelector("[data-view]");
export const rtl = document.dir === "rtl";
const words = JSON.parse(root.dataset.words);
const clocks = new Intl.DateTimeFormat(root.dataset.locale, { timeStyle: "short", timeZone: "UTC" });

export const word = (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
export const clock = (minute) => clocks.format(new Date(minute * 60_000));
export const field = (minute) => `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;

export function say(text) {
  root.querySelector("[data-said]").textContent = text;
}

let fading = null;
export function toast(text) {
  const place = document.querySelector("[data-toast]");
  clearTimeout(fading);
  // Outside an open dialog it would be neither seen nor heard.
  ([...document.querySelectorAll("dialog[open]")].at(-1) ?? root).append(place);
  place.textContent = text;
  place.hidden = false;
  fading = setTimeout(() => { place.hidden = true; }, 6_000);
}

// What is being moved or drawn is not pulled away: news wait until it is let go.
let busy = 0;
let waiting = false;
export function keepStill() { busy += 1; }
export function letGo() {
  busy -= 1;
  if (!busy && waiting) refresh().catch(() => {});
}

const source = new WeakMap();
const remember = (within) => { for (const one of within.querySelectorAll("[data-key]")) source.set(one, one.outerHTML); };
let shown = view?.innerHTML.trim();
let after = () => {};

// `drawn` is called whenever there are new elements.
export function watch(drawn) {
  after = drawn;
  if (view?.firstElementChild) {
    remember(view);
    after();
  }
}

export async function refresh() {
  if (!view) return;
  if (busy) {
    waiting = true;
    return;
  }
  waiting = false;
  const { status, body } = await ask(location.pathname + location.search);
  if (status !== 200 || body.html.trim() === shown) return;
  if (busy) {
    waiting = true;
    return;
  }
  shown = body.html.trim();
  place(parsed(body.html));
  root.querySelector("[data-count]").textContent = body.count;
}

function place(fresh) {
  remember(fresh);
  const focused = keyOf(document.activeElement);
  const about = document.activeElement?.closest?.("[data-of]")?.dataset.of;
  const within = view.contains(document.activeElement);
  const before = new Map([...view.querySelectorAll("[data-key]")].map((one) => [one.dataset.key, source.get(one)]));
  const old = view.firstElementChild;
  const next = fresh.firstElementChild;
  if (!mergeBoards(old, next)) {
    const at = [old.scrollLeft, old.scrollTop];
    view.replaceChildren(next);
    [next.scrollLeft, next.scrollTop] = at;
  }
  let changed = 0;
  for (const one of view.querySelectorAll("[data-key]")) {
    if (before.get(one.dataset.key) === source.get(one)) continue;
    changed += 1;
    one.classList.add("fresh");
    setTimeout(() => one.classList.remove("fresh"), 2_500);
  }
  after();
  // Who had the focus on something that was drawn anew has it there again.
  if (within && document.activeElement === document.body && focused) focusOn(focused, about);
  if (changed) say(word("updated"));
}

export const keyOf = (element) => element?.closest?.("[data-key]")?.dataset.key ?? null;

export function focusOn(key, about = "") {
  const holder = view.querySelector(`[data-key="${CSS.escape(key)}"]`) ?? view.querySelector(`[data-of="${CSS.escape(about)}"]`);
  const link = holder?.matches("a") ? holder : holder?.querySelector("a");
  (link ?? view.firstElementChild).focus({ preventScroll: true });
}

// A board with the same columns and hours keeps its elements: only what differs is put in.
function mergeBoards(old, next) {
  const columns = [[...old.querySelectorAll("[data-col]")], [...next.querySelectorAll("[data-col]")]];
  const same = old.matches("[data-board]") && next.matches("[data-board]")
    && old.dataset.opens === next.dataset.opens && old.dataset.closes === next.dataset.closes
    && columns[0].length === columns[1].length
    && columns[0].every((one, at) => one.dataset.col === columns[1][at].dataset.col && one.dataset.day === columns[1][at].dataset.day);
  if (!same) return false;
  old.querySelector(".scale").replaceWith(next.querySelector(".scale"));
  columns[0].forEach((column, at) => {
    column.querySelector("h2").replaceWith(columns[1][at].querySelector("h2"));
    mergeTracks(column.querySelector("[data-track]"), columns[1][at].querySelector("[data-track]"));
  });
  return true;
}

function mergeTracks(old, next) {
  const kept = new Map();
  for (const child of [...old.children]) {
    if (child.dataset.ours !== undefined) continue; // laid over it by us
    if (child.dataset.key) kept.set(source.get(child), child);
    else child.remove();
  }
  const wanted = [...next.children].map((child) => (child.dataset.key && kept.get(source.get(child))) || child);
  for (const child of kept.values()) if (!wanted.includes(child)) child.remove();
  let at = old.firstElementChild;
  for (const child of wanted) {
    if (child === at) at = at.nextElementSibling;
    else old.insertBefore(child, at);
  }
}
