// The calendar: what is drawn comes from the server, day by day; here it is brought to life.

import { live } from "./server.js";
import { refresh, root, view, watch } from "./calendar_page.js";
import { listenToPointers } from "./calendar_drag.js";
import { listenToKeys, rove } from "./calendar_keys.js";
import { open, renew } from "./calendar_sheets.js";

document.documentElement.classList.add("scripted");

watch(rove);
listenToKeys();
listenToPointers();

// Opening

root.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.target.closest("dialog")) return;
  const link = event.target.closest("a[data-open], a[data-new]");
  if (!link) return;
  event.preventDefault();
  open(link.href, link.dataset.open);
});
root.querySelector("[data-help]")?.addEventListener("click", () => root.querySelector("[data-keys]").showModal());

// All parts of one visit light up together.

const kin = (event, on) => {
  const of = event.target.closest?.("[data-of]")?.dataset.of;
  if (!of) return;
  const all = view.querySelectorAll(`[data-of="${CSS.escape(of)}"]`);
  for (const one of all) one.classList.toggle("kin", on && all.length > 1);
};
if (view) {
  for (const [name, on] of [["pointerover", true], ["pointerout", false], ["focusin", true], ["focusout", false]]) {
    view.addEventListener(name, (event) => kin(event, on));
  }
}

// A finger that has picked a date has said all; a keyboard passes by dates that it does not mean.
const jump = root.querySelector("[data-jump]");
if (matchMedia("(pointer: coarse)").matches) jump.addEventListener("change", () => jump.requestSubmit());

// Where to look first: at now, else at the first booking; and which column a phone shows.

const shown = view?.firstElementChild;
if (shown?.matches("[data-board]")) {
  const first = shown.querySelector(".now") ?? shown.querySelector(".tile, .works");
  const top = first ? first.offsetTop - shown.clientHeight / 3 : 0;
  shown.scrollTo({ top, behavior: "instant" });
}
const todays = shown?.querySelector("thead .today");
if (todays) shown.scrollLeft = todays.offsetLeft - shown.querySelector("thead td").offsetWidth;
const faces = root.querySelectorAll("[data-jump-to]");
const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    for (const face of faces) face.setAttribute("aria-current", String(face.dataset.jumpTo === target.id));
  }
}, { root: shown, threshold: 0.6 });
for (const face of faces) {
  const column = document.getElementById(face.dataset.jumpTo);
  if (column) seen.observe(column);
  face.addEventListener("click", (event) => {
    event.preventDefault();
    const start = shown.querySelector(".scale").getBoundingClientRect();
    const box = column.getBoundingClientRect();
    shown.scrollBy({ left: document.dir === "rtl" ? box.right - start.left : box.left - start.right });
    column.querySelector("a.cover")?.focus({ preventScroll: true });
  });
}

// News: several changes of one moment are one question.

let due = null;
live((news) => {
  if (news && news.kind !== "calendar") return;
  due ??= setTimeout(() => {
    due = null;
    refresh().catch(() => {});
  }, 120);
  if (news?.booking) renew(news.booking).catch(() => {});
});

document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh().catch(() => {}); });

