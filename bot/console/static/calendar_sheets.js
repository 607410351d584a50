// The dialogs: a drawer with a booking or a form, and a small one that asks before anything is moved.

import { ask, parsed, send } from "./server.js";
import { focusOn, keyOf, refresh, root, say, toast, word } from "./calendar_page.js";

const drawer = root.querySelector("[data-drawer]");
const small = root.querySelector("[data-small]");
const body = (dialog) => dialog.querySelector("[data-body]");
const whenClosed = new WeakMap();
let cameFrom = null;

export const anyOpen = () => document.querySelector("dialog[open]") !== null;

function fill(dialog, html) {
  body(dialog).replaceChildren(parsed(html));
  const title = dialog.querySelector("h1");
  if (title) dialog.setAttribute("aria-label", title.textContent.trim());
  ready(dialog);
}

function show(dialog, html) {
  fill(dialog, html);
  if (dialog.open) {
    (dialog.querySelector("[autofocus], [data-close], a, button") ?? dialog).focus();
    return;
  }
  if (!anyOpen()) cameFrom = keyOf(document.activeElement);
  dialog.showModal();
  dialog.querySelector("[autofocus]")?.focus();
}

// Opens what an address shows; an answer that refuses is told and not opened.
export async function open(url, which = "drawer") {
  const { status, body: answer } = await ask(url).catch(() => ({ status: 0, body: {} }));
  if (status !== 200) {
    toast(answer.problem || word("failed"));
    return false;
  }
  show(which === "small" ? small : drawer, answer.html);
  return true;
}

// Asks what a move would come to, and before it is done; calls back when it was left.
export async function askMove(url, left) {
  const { status, body: answer } = await ask(url).catch(() => ({ status: 0, body: {} }));
  if (status !== 200) {
    toast(answer.problem || word("failed"));
    say(`${answer.problem || word("failed")} ${word("back")}`);
    left();
    refresh().catch(() => {});
    return;
  }
  whenClosed.set(small, left);
  show(small, answer.html);
}

// Where to go on reading: at what is wrong. Enter on the close button would throw away what was typed.
function told(dialog) {
  const problem = body(dialog).querySelector("[role=alert]");
  if (problem) problem.tabIndex = -1;
  return problem ?? dialog.querySelector("[data-close]") ?? dialog;
}

async function submit(form, button) {
  const dialog = form.closest("dialog");
  const to = button?.hasAttribute("formaction") ? button.formAction : form.action;
  const values = new FormData(form, button);
  const buttons = form.querySelectorAll("button");
  for (const one of buttons) one.disabled = true;
  try {
    const getting = form.matches("[data-ask]");
    const { status, body: answer } = getting
      ? await ask(`${form.getAttribute("action")}?${new URLSearchParams(values)}`)
      : await send(to, values);
    if (answer.html) {
      // A booking after a step, or a form that was refused: shown as it is now.
      fill(dialog, answer.html);
      told(dialog).focus();
      if (answer.problem) say(answer.problem);
      else if (answer.said) toast(answer.said);
    } else if (status === 200) {
      if (answer.follow) {
        location.assign(answer.follow);
        return;
      }
      // One thing is done and everything is closed.
      for (const one of [small, drawer]) if (one.open) one.close();
      settle(small);
      toast(answer.said);
      await refresh();
      const done = root.querySelector(`[data-of="${CSS.escape(answer.booking ?? "")}"]`);
      if (done) focusOn(keyOf(done));
      return;
    } else {
      toast(word("failed"));
    }
    await refresh();
  } catch {
    toast(word("failed"));
  } finally {
    for (const one of buttons) one.disabled = false;
  }
}

function settle(dialog) {
  const left = whenClosed.get(dialog);
  whenClosed.delete(dialog);
  left?.();
}

function closed(dialog) {
  body(dialog)?.replaceChildren();
  root.append(...dialog.querySelectorAll("[data-toast]"));
  settle(dialog);
  // The tile may have been drawn anew meanwhile: the browser cannot give the focus back to it.
  if (!anyOpen() && cameFrom && document.activeElement === document.body) focusOn(cameFrom);
}

for (const dialog of [drawer, small]) {
  dialog.addEventListener("close", () => closed(dialog));
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) {
      dialog.close();
      return;
    }
    const link = event.target.closest("a[data-open]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(link.matches("[data-block]") ? blockUrl(link) : link.href, link.dataset.open);
  });
  dialog.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-send], [data-ask]");
    if (!form) return;
    event.preventDefault();
    submit(form, event.submitter);
  });
}

// Another console or a chat changed the booking that is open: show it, unless somebody is filling something in.
export async function renew(booking) {
  const one = drawer.querySelector(`[data-shown="${CSS.escape(booking ?? "")}"]`);
  if (!drawer.open || !one || small.open || drawer.querySelector("details[open]")) return;
  const { status, body: answer } = await ask(`/console/bookings/${booking}`);
  if (status !== 200 || !drawer.open) return;
  const focused = document.activeElement.matches("[data-close]") ? "[data-close]" : null;
  fill(drawer, answer.html);
  drawer.querySelector(focused ?? "[data-close]")?.focus();
}

// The form of a new booking

function blockUrl(link) {
  const url = new URL(link.href);
  const fields = link.closest("form")?.elements;
  if (fields?.staff.value) url.searchParams.set("whose", fields.staff.value);
  if (fields?.day.value) url.searchParams.set("first", fields.day.value);
  if (fields?.time.value) url.searchParams.set("opens", fields.time.value);
  return url;
}

function ready(dialog) {
  const form = dialog.querySelector("[data-walk-in]");
  if (!form) return;
  const { name, customer } = form.elements;
  const found = form.querySelector("[data-found]");
  let asked = 0;
  let typing = null;
  name.addEventListener("input", () => {
    customer.value = "";
    form.querySelector("[data-known]").textContent = "";
    clearTimeout(typing);
    typing = setTimeout(async () => {
      const mine = ++asked;
      const text = name.value.trim();
      if (text.length < 2) {
        found.replaceChildren();
        return;
      }
      const { status, body: answer } = await ask("/console/calendar/customers?q=" + encodeURIComponent(text));
      if (mine !== asked || status !== 200) return;
      found.replaceChildren(parsed(answer.html));
      if (!answer.count) form.querySelector("[data-known]").textContent = word("nothing");
    }, 200);
  });
  form.addEventListener("click", (event) => {
    const picked = event.target.closest("[data-pick]");
    if (!picked) return;
    customer.value = picked.dataset.pick;
    name.value = picked.dataset.name;
    form.querySelector("[data-known]").textContent = picked.textContent.trim();
    found.replaceChildren();
    form.querySelector("[name=service]")?.focus();
  });
  const fit = () => {
    const chosen = [...form.querySelectorAll("[name=service]:checked")];
    for (const person of form.elements.staff.options) {
      person.disabled = person.value !== "" && chosen.some((one) => !one.dataset.able.split(" ").includes(person.value));
    }
    const each = form.querySelector("[data-each]");
    if (each) {
      const shown = [...each.querySelectorAll("[data-of]")].filter((one) => {
        one.hidden = !chosen.some((service) => one.dataset.of.split(" ").includes(service.value));
        return !one.hidden;
      });
      each.hidden = shown.length < 2;
    }
    form.querySelector("[data-units]").hidden = !chosen.some((one) => one.dataset.unit !== "visit");
  };
  for (const one of form.querySelectorAll("[name=service]")) one.addEventListener("change", fit);
  fit();
}
