// Three phones of one customer, a clock, and what they ask of /sandbox. Polls; keeps customers in the browser.
"use strict";

const CHANNELS = ["sms", "whatsapp", "telegram"];
const KEPT = "threadbook.sandbox.customers";
const LOOK_BACK = 20; // messages that may still change: buttons that go, edits
const PAUSE = 700;

const by = (id) => document.getElementById(id);
const key = () => `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;

// ---- customers -------------------------------------------------------------------------------------------------
const FIRST = [
  { name: "Maria Lopez", phone: "+34600111001", telegram: "700100001" },
  { name: "Tom Reed", phone: "+447700900102", telegram: "700100002" },
  { name: "Lucía Vega", phone: "+34600111003", telegram: "700100003" },
];
let customers = readCustomers();
let current = 0;

function readCustomers() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT) || "null");
    return Array.isArray(kept) && kept.length ? kept : FIRST;
  } catch {
    return FIRST;
  }
}

function showCustomers() {
  const list = by("customer");
  list.replaceChildren(
    ...customers.map((one, place) => new Option(`${one.name} · ${one.phone}`, String(place), false, place === current)),
  );
}

by("customer").addEventListener("change", (event) => {
  current = Number(event.target.value);
  for (const phone of phones) phone.clear();
});

by("more").addEventListener("click", () => {
  const number = String(Math.floor(Math.random() * 1e6)).padStart(6, "0");
  customers = [...customers, { name: `Guest ${customers.length + 1}`, phone: `+34611${number}`, telegram: `7112${number}` }];
  localStorage.setItem(KEPT, JSON.stringify(customers));
  current = customers.length - 1;
  showCustomers();
  for (const phone of phones) phone.clear();
});

// ---- talking to the server -------------------------------------------------------------------------------------
let missed = 0;

async function ask(path, body, headers = {}) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  };
  let answer;
  try {
    answer = await fetch(`/sandbox${path}`, options);
  } catch (error) {
    missed += 1;
    by("offline").hidden = missed < 2;
    throw error;
  }
  missed = 0;
  by("offline").hidden = true;
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

// ---- a phone ---------------------------------------------------------------------------------------------------
class Phone {
  constructor(channel) {
    this.channel = channel;
    this.section = by(channel);
    this.log = this.section.querySelector(".log");
    this.form = this.section.querySelector("form");
    this.field = this.section.querySelector("textarea");
    this.tab = by(`tab-${channel}`);
    this.clear();
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.say(); });
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); this.say(); }
    });
    this.field.addEventListener("input", () => this.fit());
  }

  clear() {
    this.messages = new Map();
    this.seen = 0;
    this.unread = 0;
    this.round = (this.round || 0) + 1;
    this.log.replaceChildren(Render.element("p", "empty", "Write to the business as its customer would."));
    this.badge();
  }

  get path() {
    const one = customers[current];
    const address = this.channel === "telegram" ? one.telegram : one.phone;
    return `/phones/${this.channel}/${encodeURIComponent(address)}`;
  }

  get visible() { return getComputedStyle(this.section).display !== "none" && !document.hidden; }

  fit() {
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(this.field.scrollHeight, 120)}px`;
  }

  async say() {
    const text = this.field.value.trim();
    if (!text) return;
    const name = customers[current].name;
    this.field.value = "";
    this.fit();
    try {
      await ask(`${this.path}/say`, { text, name }, { "Idempotency-Key": key() });
      await this.poll();
    } catch {
      this.field.value = text; // not sent: nothing that was written is lost
      this.fit();
    }
  }

  async tap(message, choice, button) {
    if (button) button.classList.add("busy");
    try {
      await ask(`${this.path}/tap`, { message: message.n, choice: choice.id, name: customers[current].name });
      await this.poll();
    } finally {
      if (button) setTimeout(() => button.classList.remove("busy"), 600);
    }
  }

  async poll() {
    const round = this.round;
    const numbers = [...this.messages.keys()];
    const after = numbers.length > LOOK_BACK ? numbers[numbers.length - LOOK_BACK] : 0;
    const { messages } = await ask(`${this.path}/messages?after=${after}`);
    if (round !== this.round) return; // another customer since
    const shown = new Set(messages.map((one) => one.n));
    let changed = false;
    for (const n of numbers) if (n > after && !shown.has(n)) { this.messages.delete(n); changed = true; }
    for (const one of messages) {
      if (JSON.stringify(this.messages.get(one.n)) === JSON.stringify(one)) continue;
      if (!this.messages.has(one.n) && one.from === "business" && !this.visible) this.unread += 1;
      this.messages.set(one.n, one);
      changed = true;
    }
    if (changed) this.draw();
    if (this.visible) {
      this.unread = 0;
      const last = Math.max(0, ...this.messages.keys());
      if (last > this.seen) {
        this.seen = last;
        if (this.channel === "whatsapp") await ask(`${this.path}/seen`, { n: last });
      }
    }
    this.badge();
  }

  draw() {
    const list = [...this.messages.values()].sort((one, other) => one.n - other.n);
    const lastAnswer = Math.max(0, ...list.filter((one) => one.from === "business").map((one) => one.n));
    const act = { tap: (...told) => this.tap(...told), list: (one) => openSheet(this, one) };
    // Only what is new or different is put into the log, so that a screen reader reads no more than that.
    let place = this.log.firstElementChild;
    if (place && place.classList.contains("empty")) { place.remove(); place = null; }
    let day = "";
    const wanted = [];
    for (const one of list) {
      const date = Render.day(one.at);
      if (date !== day) { wanted.push([`day ${date}`, () => Render.dayMark(one.at)]); day = date; }
      const answered = one.n < lastAnswer;
      const mark = JSON.stringify([one, one.from === "customer" && answered]);
      wanted.push([mark, () => Render.message(this.channel, one, answered, act)]);
    }
    const known = new Map([...this.log.children].map((node) => [node.dataset.mark, node]));
    let before = null;
    for (const [mark, make] of wanted) {
      const node = known.get(mark) || make();
      node.dataset.mark = mark;
      known.delete(mark);
      const follows = before ? before.nextElementSibling : this.log.firstElementChild;
      if (follows !== node) this.log.insertBefore(node, follows);
      before = node;
    }
    for (const node of known.values()) node.remove();
    this.log.scrollTop = this.log.scrollHeight;
    showCheckout(list);
  }

  badge() {
    const mark = this.tab.querySelector(".unread");
    mark.hidden = this.unread === 0;
    mark.textContent = this.unread ? String(this.unread) : "";
    mark.setAttribute("aria-label", `${this.unread} new`);
  }
}

function showCheckout(list) {
  const links = list.flatMap((one) => one.text.match(/https?:\/\/\S+\/checkout\/\S+/g) || []);
  if (!links.length) return;
  by("checkout").href = links[links.length - 1].replace(/[.,]$/, "");
  by("checkout").hidden = false;
}

// ---- WhatsApp's list -------------------------------------------------------------------------------------------
function openSheet(phone, message) {
  const sheet = by("sheet");
  by("sheet-title").textContent = message.button && message.button !== "☰" ? message.button : "Choose";
  const options = message.choices.map((choice, place) => {
    const label = Render.element("label", "option");
    const text = Render.element("span", "", choice.label);
    text.append(Render.element("small", "", message.descriptions[place] || ""));
    const radio = Render.element("input");
    radio.type = "radio";
    radio.name = "option";
    radio.value = String(place);
    radio.required = true;
    label.append(text, radio);
    return label;
  });
  by("options").replaceChildren(...options);
  sheet.returnValue = "";
  sheet.onclose = () => {
    const picked = by("options").querySelector("input:checked");
    if (sheet.returnValue === "go" && picked) phone.tap(message, message.choices[Number(picked.value)], null);
  };
  sheet.showModal();
}
by("sheet").addEventListener("click", (event) => { if (event.target === by("sheet")) by("sheet").close(""); });

// ---- tabs on a narrow screen -----------------------------------------------------------------------------------
function choose(channel, focus) {
  for (const phone of phones) {
    const chosen = phone.channel === channel;
    phone.section.classList.toggle("shown", chosen);
    phone.tab.setAttribute("aria-selected", String(chosen));
    phone.tab.tabIndex = chosen ? 0 : -1;
    if (chosen && focus) phone.tab.focus();
    if (chosen) {
      phone.unread = 0;
      phone.badge();
      phone.log.scrollTop = phone.log.scrollHeight;
    }
  }
}

// ---- the clock -------------------------------------------------------------------------------------------------
let now = null;
let heardAt = 0;
let nextReminder = null;

function showClock(told) {
  now = Date.parse(told.now);
  heardAt = performance.now();
  nextReminder = told.next_reminder ? Date.parse(told.next_reminder) : null;
  const button = by("next");
  button.disabled = nextReminder === null;
  button.title = nextReminder === null ? "No reminder is planned" : `${Render.day(nextReminder)} ${Render.time(nextReminder)}`;
  tick();
}

function tick() {
  if (now === null) return;
  const moment = new Date(now + performance.now() - heardAt);
  by("day").textContent = Render.day(moment);
  by("time").textContent = Render.time(moment);
}

async function advance(duration) {
  showClock(await ask("/clock", { advance: duration }));
  by("news").textContent = `It is now ${by("day").textContent} ${by("time").textContent}`;
}

for (const button of document.querySelectorAll("[data-advance]")) {
  button.addEventListener("click", () => advance(button.dataset.advance).catch(() => {}));
}
by("next").addEventListener("click", () => {
  const seconds = Math.max(0, Math.ceil((nextReminder - (now + performance.now() - heardAt)) / 1000)) + 1;
  advance(`PT${seconds}S`).catch(() => {});
});

// ---- begin -----------------------------------------------------------------------------------------------------
const phones = CHANNELS.map((channel) => new Phone(channel));
phones.forEach((phone, place) => {
  phone.tab.addEventListener("click", () => choose(phone.channel));
  phone.tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) choose(CHANNELS[(place + step + CHANNELS.length) % CHANNELS.length], true);
  });
});
showCustomers();

async function look() {
  try {
    await Promise.all(phones.map((phone) => phone.poll()));
  } catch { /* said by the offline line; tried again below */ }
  setTimeout(look, document.hidden ? PAUSE * 5 : PAUSE);
}
async function watchClock() {
  try {
    showClock(await ask("/clock"));
  } catch { /* as above */ }
  setTimeout(watchClock, 3000);
}
setInterval(tick, 1000);
look();
watchClock();
