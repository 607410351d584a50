// The calendar with a mouse or a finger: drag a booking elsewhere, draw a span to block it, tap to book.

import { clock, field, keepStill, letGo, root, view } from "./calendar_page.js";
import { FINE, STEP, board, canGo, closes, columns, from, lay, minuteAt, opens, put, refusal, snap, target, trackOf, until } from "./calendar_grid.js";
import { bookAt, canLand, drop, landing } from "./calendar_keys.js";
import { anyOpen, open } from "./calendar_sheets.js";

const FAR = 5; // pixels that a mouse moves before it is a drag
const LONG = 380; // milliseconds that a finger rests before it is one
const EDGE = 48;

let held = null; // a pointer that is down and not yet anything
let drag = null;
let hover = null;
let swallow = false; // the click after a drag

const columnAt = (x) => columns().find((one) => {
  const box = one.getBoundingClientRect();
  return box.left <= x && x < box.right;
});

export function listenToPointers() {
  if (!view) return;
  view.addEventListener("pointerdown", down);
  document.addEventListener("pointermove", move);
  document.addEventListener("pointerup", up);
  document.addEventListener("pointercancel", cancel);
  document.addEventListener("touchmove", (event) => { if (drag) event.preventDefault(); }, { passive: false });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && drag) cancel(); });
  view.addEventListener("dragstart", (event) => event.preventDefault());
  view.addEventListener("contextmenu", (event) => { if (drag) event.preventDefault(); });
  view.addEventListener("click", click, true);
  view.addEventListener("pointerleave", () => { hover?.remove(); });
}

function down(event) {
  if (event.button !== 0 || !event.isPrimary || anyOpen()) return;
  const link = event.target.closest("[data-movable]");
  const track = event.target.closest("[data-track]");
  const free = track && !event.target.closest("[data-key], [data-ours]:not(.hover)");
  if (!link && !free) return;
  if (link && !board() && !link.closest("[data-cell]")) return; // a bar of several days
  swallow = false;
  held = { x: event.clientX, y: event.clientY, link, track, touch: event.pointerType !== "mouse", event };
  if (held.touch) held.rest = setTimeout(() => { begin(held.event); navigator.vibrate?.(12); }, LONG);
}

function move(event) {
  if (drag) {
    drag.x = event.clientX;
    drag.y = event.clientY;
    drag.fine = event.shiftKey;
    draw();
    return;
  }
  if (held) {
    const far = Math.hypot(event.clientX - held.x, event.clientY - held.y);
    held.event = event;
    if (held.touch && far > 2 * FAR) release(); // it scrolls
    else if (!held.touch && far > FAR) begin(event);
    return;
  }
  if (event.pointerType === "mouse") point(event);
}

// Where the mouse points to free time: what a click would book.
function point(event) {
  const track = board() && event.target.closest?.("[data-track]");
  if (!track || event.target.closest("[data-key]") || anyOpen()) {
    hover?.remove();
    return;
  }
  const minute = Math.floor(minuteAt(track, event.clientY) / STEP) * STEP;
  if (minute < opens() || minute >= closes()) {
    hover?.remove();
    return;
  }
  const column = track.closest("[data-col]");
  hover ??= Object.assign(document.createElement("div"), { ariaHidden: "true" });
  hover.dataset.ours = "";
  put(hover, "slot hover", column, minute, minute + STEP);
  hover.textContent = clock(minute);
}

function release() {
  clearTimeout(held?.rest);
  held = null;
}

function begin(event) {
  const { link, track, x, y } = held;
  release();
  hover?.remove();
  keepStill();
  document.documentElement.classList.add("dragging");
  drag = { link, x: event.clientX, y: event.clientY, startX: x, startY: y, fine: event.shiftKey, ghosts: new Map() };
  if (!link) {
    drag.column = track.closest("[data-col]");
    drag.first = Math.floor(minuteAt(track, y) / STEP) * STEP;
    drag.span = lay("span", drag.column, drag.first, drag.first + STEP);
  } else if (board()) {
    drag.grip = minuteAt(link.closest("[data-track]"), y) - from(link);
    // All parts of one visit go together.
    for (const one of view.querySelectorAll(`[data-booking="${link.dataset.booking}"]`)) {
      one.closest("[data-key]").classList.add("lifted");
      const ghost = lay("drop", one.closest("[data-col]"), from(one), until(one));
      ghost.setAttribute("aria-hidden", "true");
      drag.ghosts.set(one, ghost);
    }
  } else link.closest("[data-key]").classList.add("lifted");
  drag.frame = requestAnimationFrame(scroll);
  draw();
}

function draw() {
  if (drag.span) {
    const last = Math.max(snap(minuteAt(trackOf(drag.column), drag.y), drag.fine), drag.first + (drag.fine ? FINE : STEP));
    drag.last = Math.min(last, closes());
    put(drag.span, "span", drag.column, drag.first, drag.last);
    drag.span.textContent = `${clock(drag.first)}–${clock(drag.last)}`;
    return;
  }
  if (!board()) {
    drag.cell?.classList.remove("target", "cannot");
    drag.cell = document.elementFromPoint(drag.x, drag.y)?.closest("[data-cell]") ?? drag.cell;
    drag.cell?.classList.add("target", ...(canLand(drag.link, drag.cell) ? [] : ["cannot"]));
    return;
  }
  drag.column = columnAt(drag.x) ?? drag.column ?? drag.link.closest("[data-col]");
  const wanted = snap(minuteAt(trackOf(drag.column), drag.y) - drag.grip, drag.fine);
  const length = until(drag.link) - from(drag.link);
  const first = Math.min(Math.max(wanted, opens()), closes() - Math.min(length, closes() - opens()));
  drag.delta = first - from(drag.link);
  const can = canGo(drag.link, drag.column);
  for (const [one, ghost] of drag.ghosts) {
    const column = one === drag.link ? drag.column : one.closest("[data-col]");
    put(ghost, can ? "drop" : "drop cannot", column, from(one) + drag.delta, until(one) + drag.delta);
    ghost.textContent = can ? clock(from(one) + drag.delta) : refusal(drag.column.dataset.name);
  }
}

// Near an edge the board scrolls on by itself.
function scroll() {
  if (!drag) return;
  const shown = view.firstElementChild;
  const box = shown.getBoundingClientRect();
  const pull = (at, low, high) => (at < low + EDGE ? at - low - EDGE : at > high - EDGE ? at - high + EDGE : 0) / 4;
  shown.scrollBy({ left: drag.link ? pull(drag.x, box.left, box.right) : 0, top: pull(drag.y, box.top + EDGE, box.bottom), behavior: "instant" });
  draw();
  drag.frame = requestAnimationFrame(scroll);
}

function up() {
  release();
  if (!drag) return;
  const { link, delta, column, cell, span, first, last } = drag;
  swallow = true;
  setTimeout(() => { swallow = false; }, 50);
  if (span) {
    end();
    block(column, first, last);
    return;
  }
  const where = cell ? landing(link, cell) : board() ? target(link, column, delta) : null;
  const still = !where || (cell ? cell === link.closest("[data-cell]") : !delta && column === link.closest("[data-col]"));
  if (still || !where.can) {
    end();
    return;
  }
  // The ghosts stay until it is decided.
  stop();
  const kept = drag;
  drag = null;
  drop(link, where, () => clear(kept));
}

function stop() {
  cancelAnimationFrame(drag.frame);
  document.documentElement.classList.remove("dragging");
}

function clear(done) {
  done.span?.remove();
  done.cell?.classList.remove("target", "cannot");
  for (const ghost of done.ghosts.values()) ghost.remove();
  for (const one of view.querySelectorAll(".lifted")) one.classList.remove("lifted");
  letGo();
}

function end() {
  stop();
  const done = drag;
  drag = null;
  clear(done);
}

function cancel() {
  release();
  if (drag) end();
}

function block(column, first, last) {
  const query = new URLSearchParams({ place: root.dataset.place, first: column.dataset.day, opens: field(first), closes: field(last) });
  if (column.dataset.col) query.set("whose", column.dataset.col);
  open("/console/timeoff/new?" + query);
}

function click(event) {
  if (swallow) {
    event.preventDefault();
    event.stopPropagation();
    swallow = false;
    return;
  }
  const track = event.target.closest("[data-track]");
  if (!track || event.target.closest("[data-key], [data-ours]:not(.hover)")) return;
  const minute = Math.floor(minuteAt(track, event.clientY) / STEP) * STEP;
  if (minute >= opens() && minute < closes()) bookAt(track.closest("[data-col]"), minute);
}
