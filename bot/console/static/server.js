// How our pages speak with the server: ask it, place what it renders, hear when something has changed.

const POLL_WITHOUT_SOCKET = 5_000;
const POLL_WITH_SOCKET = 45_000;
const LONGEST_WAIT = 30_000;

let connected = false;
let attempts = 0;
let open = null;

export function parsed(html) {
  // Server-rendered and escaped there; a template runs no scripts, and our policy allows none.
  const holder = document.createElement("template");
  holder.innerHTML = html.trim();
  return holder.content;
}

export async function ask(url, options = {}) {
  const headers = { Accept: "application/json", ...options.headers };
  const answer = await fetch(url, { ...options, headers, credentials: "same-origin" });
  if (answer.status === 401) {
    location.assign("/console/login?next=" + encodeURIComponent(location.pathname + location.search));
    throw new Error("signed out");
  }
  return { status: answer.status, body: await answer.json() };
}

export const send = (url, form) => ask(url, { method: "POST", body: new URLSearchParams(form) });

function showLive() {
  for (const note of document.querySelectorAll("[data-live]")) note.hidden = connected;
}

function listen(changed) {
  const socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/console/live");
  socket.addEventListener("message", (event) => {
    const news = JSON.parse(event.data);
    if (news.kind === "ready") {
      const missed = attempts > 0;
      connected = true;
      open = socket;
      attempts = 0;
      showLive();
      if (missed) changed();
    } else if (news.kind !== "beat") {
      changed(news);
    }
  });
  socket.addEventListener("close", (event) => {
    connected = false;
    open = null;
    if (event.code === 4401) {
      changed(); // asks, and is sent to the login if the session has ended
      return;
    }
    attempts += 1;
    if (attempts > 1) showLive();
    // Wait longer each time, never in step with other browsers.
    setTimeout(() => listen(changed), Math.min(LONGEST_WAIT, 500 * 2 ** attempts) * (0.5 + Math.random()));
  });
}

// Says something by the socket; without one it is not said, and nothing waits for it.
export function tell(what) {
  if (open?.readyState === WebSocket.OPEN) open.send(JSON.stringify(what));
}

function poll(changed) {
  setTimeout(() => {
    if (!document.hidden) changed();
    poll(changed);
  }, connected ? POLL_WITH_SOCKET : POLL_WITHOUT_SOCKET);
}

// Calls back with the news, and without any now and then: news may be lost.
export function live(changed) {
  listen(changed);
  poll(changed);
}
