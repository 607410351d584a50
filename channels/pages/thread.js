// A thread in the browser, for the page and for the widget. What people write is only ever set as text, never as HTML.
// `root` is the document or a shadow root, `place` where to build in it; `on.news()` hears that something new was said.
const openThread = (root, place, { words, settings, kept, on = {} }) => {
  const $ = (id) => root.getElementById(id);
  const { origin, slug } = settings;
  const CARDS = ["confirm", "payment_link", "booked", "rescheduled", "cancelled", "reminder", "waitlist_offer"];
  const PAGE = 200; // as many messages as one answer of the server holds
  furnish(place, words, settings);
  const scroll = $("scroll"), log = $("log"), input = $("text");

  let token = kept.get("token");
  let lastSeq = 0, lastDay = "", lastFrom = "", fresh = true;
  let outbox = [], sending = false, retryIn = 0, restUntil = 0;

  const jitter = (seconds) => seconds * 1000 * (0.75 + Math.random() / 2);
  const webAddress = (text) => {
    try {
      const address = new URL(text, origin);
      return ["http:", "https:"].includes(address.protocol) ? address.href : null;
    } catch { return null; }
  };
  const format = formatter(settings);
  const wallFormat = (iso, options) => format(wall(iso), { ...options, timeZone: "UTC" });

  // ---- showing messages
  function linked(text) {
    const part = document.createDocumentFragment();
    let from = 0;
    for (const found of text.matchAll(/https?:\/\/[^\s<>"']+/g)) {
      const shown = found[0].replace(/[.,;:!?)\]]+$/, "");
      const address = webAddress(shown);
      if (!address) continue;
      const { host, pathname } = new URL(address);
      part.append(text.slice(from, found.index));
      part.append(link(address, shown.length > 40 ? host + pathname.slice(0, 12) + "…" : shown));
      from = found.index + shown.length;
    }
    part.append(text.slice(from));
    return part;
  }

  function card(act, facts) {
    const box = make("div", `card ${act}`);
    box.booking = facts.reference;
    const top = make("div", "top");
    const date = make("div", "date");
    date.append(make("span", "", wallFormat(facts.start, { weekday: "short" })));
    date.append(make("b", "", wallFormat(facts.start, { day: "numeric" })));
    date.append(make("span", "", wallFormat(facts.start, { month: "short" })));
    const what = make("div", "what");
    what.append(make("div", "state", words[`card.${act}`]));
    const title = make("h2");
    title.append(make("bdi", "", facts.service));
    const time = { hour: "numeric", minute: "2-digit" };
    const hours = [facts.start, facts.end].filter(Boolean).map((iso) => wallFormat(iso, time)).join(" – ");
    const when = make("p");
    when.append(make("bdi", "", hours));
    if (facts.staff) when.append(" · ", make("bdi", "", words["card.with"].replace("{staff}", facts.staff)));
    what.append(title, when);
    top.append(date, what);
    box.append(top);
    const list = make("dl");
    for (const [key, value] of [["place", facts.location], ["price", facts.price], ["reference", facts.reference]]) {
      if (!value) continue;
      const said = make("dd");
      said.append(make("bdi", "", String(value)));
      list.append(make("dt", "", words[`card.${key}`]), said);
    }
    if (list.children.length) box.append(list);
    const doing = make("div", "doing");
    const pay = act === "payment_link" && facts.payment_url && webAddress(facts.payment_url);
    if (pay) {
      const button = link(pay, words["card.pay"], "strong");
      button.ariaLabel = `${words["card.pay"]}, ${words["card.pay_hint"]}`;
      doing.append(button);
    }
    const calendar = ["booked", "rescheduled", "reminder"].includes(act) && facts.calendar_url && webAddress(facts.calendar_url);
    if (calendar) doing.append(link(calendar, words["card.calendar"], "soft"));
    if (doing.children.length) box.append(doing);
    return box;
  }

  function bubble(from, text, at) {
    const row = make("div", `message ${from}${from === lastFrom ? " again" : ""}`);
    const speaker = words[`from_${from === "customer" ? "you" : from}`];
    const staffBegins = from === "staff" && from !== lastFrom;
    row.append(make("span", staffBegins ? "name" : "hidden", staffBegins ? speaker : `${speaker}: `));
    const body = make("div", "bubble");
    body.dir = "auto";
    body.title = format(at, { dateStyle: "medium", timeStyle: "short" });
    body.append(linked(text));
    row.append(body);
    lastFrom = from;
    return row;
  }

  function dayLine(at) {
    const day = format(at, { dateStyle: "full" });
    if (day === lastDay) return null;
    lastDay = day;
    lastFrom = "";
    const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(at).setHours(0, 0, 0, 0)) / 864e5);
    const label = days === 0 ? words.today : days === 1 ? words.yesterday : format(at, { weekday: "long", day: "numeric", month: "long" });
    return make("div", "day", label);
  }

  function show(message) {
    if (message.seq <= lastSeq) return;
    lastSeq = message.seq;
    const at = new Date(message.at);
    const waiting = outbox[0]?.row ?? null; // what is not sent yet stays at the end
    const ownIndex = message.from === "customer"
      ? outbox.findIndex((own) => own.text === message.text && message.seq > own.after) : -1;
    if (message.from === "customer") {
      for (const old of log.querySelectorAll(".choices")) old.remove();
    }
    if (ownIndex >= 0) return confirmSent(ownIndex, at);
    const line = dayLine(at);
    if (line) log.insertBefore(line, waiting);
    const row = bubble(message.from, message.text, at);
    if (message.facts?.start && CARDS.includes(message.act)) {
      // What is paid or gone is no longer to be paid.
      if (["booked", "cancelled"].includes(message.act)) {
        for (const old of log.querySelectorAll(".payment_link")) if (old.booking === message.facts.reference) old.querySelector(".doing")?.remove();
      }
      row.append(card(message.act, message.facts));
    }
    if (message.choices.length) row.append(choices(message));
    if (!fresh) row.classList.add("arriving");
    log.insertBefore(row, waiting);
  }

  function choices(message) {
    const set = make("div", "choices");
    const tap = (choice) => {
      set.remove();
      say(choice.label, choice.id);
      scroll.focus({ preventScroll: true }); // the input would open a phone's keyboard
    };
    const times = message.choices.filter((choice) => choice.starts);
    if (times.length) set.append(calendar(times, { words, format, tap }));
    for (const choice of message.choices) {
      if (times.includes(choice)) continue;
      const button = make("button", "choice", choice.label);
      button.type = "button";
      button.dir = "auto";
      button.addEventListener("click", () => tap(choice));
      set.append(button);
    }
    return set;
  }

  const atEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 120;
  const toEnd = () => { scroll.scrollTop = scroll.scrollHeight; $("newest").hidden = true; };

  function take(news) {
    const stay = fresh || atEnd();
    const before = lastSeq;
    for (const message of news.messages) show(message);
    if (!news.typing || news.messages.some((message) => message.from !== "customer")) typing(false);
    if (news.typing) typing(true);
    refresh();
    if (stay) toEnd(); else if (lastSeq > before) $("newest").hidden = false;
    const heard = news.messages.findLast((message) => message.from !== "customer");
    if (heard) on.news?.(heard.seq);
    if (fresh && news.messages.length < PAGE) {
      fresh = false; // from here on messages are new, and read out
      setTimeout(() => log.setAttribute("aria-live", "polite"), 150);
    }
  }

  let typingEnds;
  function typing(on) {
    clearTimeout(typingEnds);
    const stay = atEnd();
    $("typing").hidden = !on;
    if (on && stay) toEnd();
    if (on) typingEnds = setTimeout(() => typing(false), 30000);
  }

  function refresh() {
    $("welcome").hidden = Boolean(lastSeq || outbox.length || (token && fresh));
    $("new").hidden = !(token && lastSeq);
    $("send").setAttribute("aria-disabled", String(!input.value.trim()));
  }

  function clear() {
    log.replaceChildren();
    log.setAttribute("aria-live", "off");
    lastSeq = 0;
    lastDay = lastFrom = "";
    fresh = true;
    kept.set("seen", null);
    on.news?.(0);
    typing(false);
  }

  // ---- writing: what is not sent waits here, across reloads; the server knows each by its id
  const stored = () => { try { return JSON.parse(kept.get("outbox")) ?? []; } catch { return []; } };
  const keep = ({ id, text, choice, after, sent }) =>
    kept.set("outbox", JSON.stringify([...stored().filter((own) => own.id !== id), { id, text, choice, after, sent }]));
  const forget = (id) => kept.set("outbox", JSON.stringify(stored().filter((own) => own.id !== id)));

  function showOwn(own) {
    own.row = bubble("customer", own.text, new Date());
    own.row.classList.add("waiting", "arriving");
    own.note = make("span", "note");
    own.row.append(own.note);
    log.append(own.row);
    own.late = setTimeout(() => { own.note.textContent = words.not_sent; }, 4000);
  }

  function confirmSent(index, at) {
    const [own] = outbox.splice(index, 1);
    const line = dayLine(at);
    if (line) log.insertBefore(line, own.row);
    clearTimeout(own.late);
    forget(own.id);
    own.row.classList.remove("waiting");
    own.note.remove();
  }

  function say(text, choice) {
    const random = crypto.getRandomValues(new Uint8Array(12));
    const id = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
    const own = { id, text, choice, after: lastSeq, sent: false };
    for (const old of log.querySelectorAll(".choices")) old.remove();
    outbox.push(own);
    keep(own);
    showOwn(own);
    refresh();
    toEnd();
    flush();
  }

  function refuse(own, reason) {
    outbox = outbox.filter((other) => other !== own);
    clearTimeout(own.late);
    forget(own.id);
    own.row.classList.add("bad");
    own.note.textContent = reason;
    problem(reason);
  }

  async function flush() {
    if (sending || Date.now() < restUntil) return;
    sending = true;
    try {
      for (let own; (own = outbox.find((each) => !each.sent)); ) {
        const again = await post(own);
        if (again) { setTimeout(flush, again); break; }
      }
    } finally { sending = false; }
  }

  // Returns after how many milliseconds to try again, 0 when it is settled.
  async function post(own) {
    let answer;
    try {
      const wait = token ? 0 : await begin();
      if (wait) return wait;
      const body = own.choice ? { client_id: own.id, choice: own.choice } : { client_id: own.id, text: own.text };
      answer = await request("/chat/messages", body);
    } catch {
      retryIn = Math.min((retryIn || 1) * 2, 20);
      connection.trouble();
      return jitter(retryIn);
    }
    if (answer.status === 401) return restart(), 200;
    const wait = await pause(answer);
    if (wait) return wait;
    retryIn = 0;
    if (answer.ok) {
      own.sent = true;
      if (outbox.includes(own)) { keep(own); typing(true); }
      problem("");
      if (!connection.alive()) connection.open();
    } else {
      const { error } = await answer.json().catch(() => ({}));
      refuse(own, error === "too_long" ? words.too_long : words.refused);
    }
    return 0;
  }

  // What passes keeps the message waiting: said with words, and for how many milliseconds; 0 for everything else.
  async function pause(answer) {
    if (answer.status === 429) {
      problem(words.slow_down);
      const { retry_after: seconds } = await answer.json().catch(() => ({}));
      const rest = (seconds || 5) * 1000 + Math.random() * 500;
      restUntil = Date.now() + rest;
      return rest + 50;
    }
    if (answer.status >= 500) { connection.trouble(); return jitter(4); }
    if (answer.status === 403 || answer.status === 404) { problem(words.unavailable); return jitter(30); }
    return 0;
  }

  const request = (path, body) => fetch(origin + path, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  });

  // Two tabs that begin at once begin one thread.
  const begin = () => (navigator.locks && kept.lasting() ? navigator.locks.request(kept.name("begin"), obtain) : obtain());
  async function obtain() {
    token = kept.get("token");
    if (!token) {
      const answer = await request("/chat/session", { locale: settings.locale, business: slug });
      if (!answer.ok) return (await pause(answer)) || jitter(20);
      ({ token } = await answer.json());
      kept.set("token", token);
    }
    connection.open();
    return 0;
  }

  // The server no longer knows our thread: begin another, with what is still to be said.
  function restart() {
    token = null;
    kept.set("token", null);
    connection.close();
    clear();
    carry();
    problem(words.ended);
    refresh();
    flush();
  }

  // What is still to be said goes into the thread that begins now.
  function carry() {
    for (const own of outbox) { own.after = 0; own.sent = false; own.choice = undefined; keep(own); showOwn(own); }
  }

  // ---- hearing: a socket; where there can be none, long polling
  const connection = (() => {
    let socket = null, failures = 0, timer, worry, opened = false, polling = null;
    const state = (text) => {
      text ||= kept.lasting() ? "" : words.not_kept;
      if ($("banner").textContent !== text) $("banner").textContent = text;
    };
    const fine = () => { failures = 0; clearTimeout(worry); worry = null; state(""); flush(); };
    const trouble = () => {
      if (!navigator.onLine) return state(words.offline);
      worry ??= setTimeout(() => state(navigator.onLine ? words.reconnecting : words.offline), 2500);
    };

    const backoff = () => jitter(Math.min(0.4 * 2 ** failures, 15));

    function open() {
      if (!token || socket || polling) return;
      if (failures >= 3 && !opened) return void poll();
      let mine;
      // A policy of the page that embeds us may forbid sockets.
      try { mine = socket = new WebSocket(`${origin.replace(/^http/, "ws")}/chat/socket`); } catch { return later(); }
      mine.onopen = () => { opened = true; mine.send(JSON.stringify({ token, after: lastSeq })); };
      mine.onmessage = (event) => { if (socket === mine) { fine(); take(JSON.parse(event.data)); } };
      const ended = (code) => {
        if (socket !== mine) return;
        socket = null;
        if (code === 4401) return restart();
        if (code === 4403) refused(); else later();
      };
      mine.onclose = (event) => ended(event.code);
      // What a policy forbids fails in Chromium without being closed.
      mine.onerror = () => { if (mine.readyState === WebSocket.CLOSED) ended(); };
    }
    function later() {
      failures += 1;
      trouble();
      clearTimeout(timer);
      timer = setTimeout(open, backoff());
    }
    function refused() {
      state(words.unavailable);
      clearTimeout(timer);
      timer = setTimeout(open, 30000);
    }
    async function poll() {
      const mine = polling = new AbortController();
      while (polling === mine && token) {
        try {
          const answer = await fetch(`${origin}/chat/messages?after=${lastSeq}&wait=${fresh ? 0 : 25}`, {
            headers: { Authorization: `Bearer ${token}` }, signal: mine.signal,
          });
          if (polling !== mine) return;
          if (answer.status === 401) { polling = null; return restart(); }
          if (answer.status === 403) { polling = null; return refused(); }
          if (!answer.ok) throw new Error("not answered");
          fine();
          take(await answer.json());
        } catch {
          if (polling !== mine) return;
          failures += 1;
          trouble();
          await new Promise((done) => setTimeout(done, backoff()));
        }
      }
    }
    function close() {
      clearTimeout(timer);
      const old = socket;
      socket = null;
      old?.close();
      polling?.abort();
      polling = null;
    }
    const again = () => { failures = 0; close(); open(); };
    addEventListener("online", () => { again(); flush(); });
    addEventListener("offline", () => state(words.offline));
    // A phone that slept may hold a dead socket without knowing.
    document.addEventListener("visibilitychange", () => { if (!document.hidden) again(); });
    return { open, close, trouble, state, alive: () => Boolean(socket || polling) };
  })();

  // ---- the page's own controls
  const problem = (text) => { if ($("problem").textContent !== text) $("problem").textContent = text; };
  const fit = () => { input.style.height = "auto"; input.style.height = `${input.scrollHeight}px`; };

  $("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (!text) return input.focus();
    if ([...text].length > settings.limit) return problem(words.too_long);
    problem("");
    input.value = "";
    fit();
    say(text);
    input.focus();
  });
  input.addEventListener("input", () => { fit(); refresh(); problem(""); });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      $("composer").requestSubmit();
    }
  });
  for (const button of $("welcome").querySelectorAll("button")) {
    button.addEventListener("click", () => { say(button.textContent); scroll.focus({ preventScroll: true }); });
  }
  $("newest").addEventListener("click", () => { toEnd(); scroll.focus({ preventScroll: true }); });
  scroll.addEventListener("scroll", () => { if (atEnd()) $("newest").hidden = true; }, { passive: true });
  window.visualViewport?.addEventListener("resize", () => { if (root.activeElement === input) toEnd(); });

  function leave() {
    connection.close();
    token = kept.get("token");
    outbox = stored().filter((own) => !own.sent);
    clear();
    carry();
    problem("");
    connection.open();
    flush();
    refresh();
  }
  $("new").addEventListener("click", () => { $("ask").returnValue = "no"; $("ask").showModal(); });
  $("ask").addEventListener("close", () => {
    if ($("ask").returnValue !== "yes") return $("new").focus();
    kept.set("token", null);
    kept.set("outbox", null);
    leave();
    input.focus();
  });
  // Another tab began a thread, or left ours.
  addEventListener("storage", (event) => {
    if (event.key === kept.name("token") && event.newValue !== token) leave();
  });

  outbox = stored();
  for (const own of outbox) showOwn(own);
  connection.state("");
  connection.open();
  flush();
  refresh();
  return { toEnd };
};
