// The inbox, kept fresh: a WebSocket says which thread has changed, the server renders, we place it.
// Without JavaScript every form and link still works; without the socket we ask every few seconds.

import { ask, live, parsed } from "./server.js";
import { insertable } from "./thread_replies.js";
import { presence } from "./thread_typing.js";

const pane = document.querySelector("[data-thread-id]");
const list = document.querySelector("[data-threads]");
const log = document.querySelector("[data-log]");
const entries = document.querySelector("[data-entries]");
const composer = document.querySelector("[data-composer]");
const thread = pane?.dataset.threadId;
const readingBack = new URLSearchParams(location.search).has("before");

// The list

async function refreshList() {
  if (!list) return;
  const { status, body } = await ask("/console/inbox" + location.search);
  if (status !== 200) return;
  const shows = document.querySelector("[data-shows]");
  const show = shows.contains(document.activeElement) ? document.activeElement.dataset.show : null;
  shows.replaceChildren(parsed(body.shows));
  if (show) shows.querySelector(`[data-show="${CSS.escape(show)}"]`)?.focus({ preventScroll: true });
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.thread : null;
  const top = list.scrollTop;
  list.replaceChildren(parsed(body.html));
  if (thread) {
    const open = list.querySelector(`[data-thread="${CSS.escape(thread)}"]`);
    open?.setAttribute("aria-current", "true");
    open?.classList.remove("unread");
    open?.querySelector(".count")?.remove();
  }
  list.scrollTop = top;
  if (focused) list.querySelector(`[data-thread="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  for (const badge of document.querySelectorAll("[data-waiting]")) {
    badge.hidden = body.waiting === 0;
    badge.querySelector("[data-number]").textContent = String(body.waiting);
  }
}

// The thread

const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 120;
const toEnd = () => { log.scrollTop = log.scrollHeight; };

function place(news) {
  const stay = !atEnd();
  const spoken = [];
  for (const { id, html } of news.entries) {
    const fresh = parsed(html).firstElementChild;
    const old = document.getElementById("e-" + id);
    if (!old) {
      fresh.classList.add("fresh");
      entries.append(fresh);
      const said = fresh.querySelector("[data-text]")?.textContent ?? fresh.textContent.trim();
      const by = fresh.querySelector("[data-speaker]")?.textContent.trim();
      spoken.push(by ? `${by}: ${said}` : said);
      continue;
    }
    // Only what may change of an entry: its delivery mark, and what was understood once it is.
    const mark = fresh.querySelector("[data-mark]");
    const oldMark = old.querySelector("[data-mark]");
    if (mark && oldMark && mark.innerHTML !== oldMark.innerHTML) oldMark.replaceWith(mark);
    old.className = fresh.className;
    const meaning = fresh.querySelector("[data-meaning]");
    if (meaning && !old.querySelector("[data-meaning]")) old.append(meaning);
  }
  // Only the new words are read aloud, not the whole log.
  if (spoken.length) document.querySelector("[data-news]").textContent = spoken.join(" – ");
  if (!stay && spoken.length) toEnd();
  placeHead(news.head);
  writing.replace(news.typing);
  replies?.place(news.replies);
  const hint = document.querySelector("[data-hint]");
  if (hint.innerHTML.trim() !== news.hint.trim()) hint.replaceChildren(parsed(news.hint));
  tellProblem(news.problem);
  if (news.seq > Number(pane.dataset.seq)) {
    pane.dataset.seq = String(news.seq);
    if (!document.hidden) sayRead();
  }
}

let lastHead = null;

function placeHead(html) {
  if (html === lastHead) return;
  lastHead = html;
  const head = document.querySelector("[data-head]");
  const focusId = head.contains(document.activeElement) ? document.activeElement.id : null;
  // An open menu stays open, with what was chosen in it: it is somebody's half-done work.
  const menu = head.querySelector("[data-menu]");
  const chosen = menu?.open ? new Map([...menu.querySelectorAll("select, input:not([type=hidden])")].map((one) => [one.id, one.value])) : null;
  head.replaceChildren(parsed(html));
  if (chosen) {
    head.querySelector("[data-menu]").open = true;
    for (const [id, value] of chosen) if (document.getElementById(id)) document.getElementById(id).value = value;
  }
  settleSnooze();
  if (focusId) (document.getElementById(focusId) ?? composer.elements.text).focus();
}

function settleSnooze() {
  const until = document.querySelector("[data-until]");
  if (until) document.querySelector("[data-at]").hidden = until.value !== "at";
}

function tellProblem(text) {
  const place = document.querySelector("[data-problem]");
  if (text) place.textContent = text;
  place.hidden = !text;
}

async function refreshThread() {
  if (!thread || readingBack) return;
  const kept = document.querySelector("[data-problem]");
  const problem = kept.hidden ? "" : kept.textContent;
  const { status, body } = await ask(`/console/threads/${thread}${location.search}`);
  if (status === 200) place({ ...body, problem });
}

function sayRead() {
  const form = new URLSearchParams();
  form.set("csrf", composer.elements.csrf.value);
  form.set("seq", pane.dataset.seq);
  ask(`/console/threads/${thread}/seen`, { method: "POST", body: form }).catch(() => {});
}

async function submit(form, button) {
  button.disabled = true;
  try {
    const { status, body } = await ask(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (status !== 200 && status !== 409) throw new Error(String(status));
    place(body);
    if (status === 200 && form !== composer) closeMenu();
    if (status === 200 && form === composer) {
      writing.quiet();
      composer.elements.text.value = "";
      composer.elements.key.value = body.key;
      toEnd();
    }
    refreshList().catch(() => {});
    return true;
  } catch {
    // Nothing is lost: the words stay in the box, and the form's key makes a second attempt harmless.
    if (document.body.dataset.leaving === undefined) tellProblem(pane.dataset.failed);
    return false;
  } finally {
    button.disabled = false;
  }
}

function closeMenu() {
  const menu = document.querySelector("[data-menu]");
  if (menu) menu.open = false;
}

const writing = presence(pane, composer);
const replies = composer && insertable(composer, tellProblem);

if (pane) {
  toEnd();
  settleSnooze();
  pane.addEventListener("change", (event) => { if (event.target.matches("[data-until]")) settleSnooze(); });
  pane.addEventListener("keydown", (event) => {
    const menu = event.target.closest("[data-menu]");
    if (event.key !== "Escape" || !menu?.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  document.addEventListener("click", (event) => { if (!event.target.closest("[data-menu]")) closeMenu(); });
  pane.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-step], [data-composer]");
    if (!form || readingBack) return;
    event.preventDefault();
    const button = event.submitter ?? form.querySelector("button");
    if (button.disabled) return;
    submit(form, button).then(() => { if (form === composer) composer.elements.text.focus(); });
  });
  composer.elements.text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      composer.requestSubmit();
    }
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refreshThread().catch(() => {}); });
}

// News

let due = null;
let threadDue = false;
function freshen(news) {
  if (news?.kind === "typing" || news?.kind === "quiet") {
    if (news.conversation === thread) writing.heard(news);
    return;
  }
  // Another thread's news change the list alone; a booking's may be this customer's.
  threadDue ||= !news?.conversation || news.conversation === thread;
  // Several changes of one moment are one question.
  due ??= setTimeout(() => {
    due = null;
    refreshList().catch(() => {});
    if (threadDue) refreshThread().catch(() => {});
    threadDue = false;
  }, 80);
}

addEventListener("pagehide", () => { document.body.dataset.leaving = ""; });
if (list) live(freshen);
