// Canned replies: "/" in an empty box opens them, typing finds one, arrows and Enter put it in.

import { parsed } from "./server.js";

const TOKEN = /\{\s*[\p{L}_][\p{L}\p{N}_]*\s*\}/u;

export function insertable(composer, tellProblem) {
  const place = composer.querySelector("[data-replies-place]");
  const box = composer.elements.text;
  let last = null;

  const menu = () => place.querySelector("[data-replies]");
  const search = () => place.querySelector("[data-reply-search]");
  const links = () => [...place.querySelectorAll("[data-reply]")];
  const shown = () => links().filter((link) => !link.parentElement.hidden);

  function find() {
    const wanted = search()?.value.trim().toLocaleLowerCase() ?? "";
    for (const link of links()) link.parentElement.hidden = !link.textContent.toLocaleLowerCase().includes(wanted);
    const none = place.querySelector("[data-none]");
    if (none) none.hidden = shown().length > 0;
  }

  function close(focus = true) {
    if (!menu()?.open) return;
    menu().open = false;
    if (focus) box.focus();
  }

  function open() {
    menu().open = true;
    if (search()) search().value = "";
    find();
    search()?.focus();
  }

  function insert(link) {
    const text = link.dataset.reply;
    const before = box.value.slice(0, box.selectionStart);
    const after = box.value.slice(box.selectionEnd);
    const space = before && !/\s$/.test(before) ? " " : "";
    box.value = before + space + text + after;
    close();
    // What has no value is said now, and marked so that typing replaces it.
    const missing = link.querySelector("[data-missing]");
    tellProblem(missing?.textContent ?? "");
    const token = missing && TOKEN.exec(text);
    const from = before.length + space.length + (token ? token.index : text.length);
    box.setSelectionRange(from, from + (token ? token[0].length : 0));
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }

  box.addEventListener("keydown", (event) => {
    if (event.key !== "/" || box.value || event.isComposing || !links().length) return;
    event.preventDefault();
    open();
  });
  place.addEventListener("input", (event) => { if (event.target === search()) find(); });
  place.addEventListener("toggle", (event) => { if (event.target === menu() && menu().open) { find(); search()?.focus(); } }, true);
  place.addEventListener("click", (event) => {
    const link = event.target.closest("[data-reply]");
    if (!link) return;
    event.preventDefault();
    insert(link);
  });
  place.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu().open) {
      event.preventDefault();
      close();
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const all = shown();
    if (step && all.length) {
      event.preventDefault();
      const at = all.indexOf(document.activeElement);
      const next = at + step;
      if (next < 0) search().focus();
      else all[Math.min(next, all.length - 1)].focus();
    } else if (event.key === "Enter" && event.target === search()) {
      event.preventDefault();
      if (all.length) insert(all[0]);
    }
  });
  document.addEventListener("click", (event) => { if (!event.target.closest("[data-replies]")) close(false); });

  return {
    // Values change with bookings; while somebody chooses, the list stays as it is.
    place(html) {
      if (html === undefined || html === last || place.contains(document.activeElement) || menu()?.open) return;
      last = html;
      place.replaceChildren(parsed(html));
    },
  };
}
