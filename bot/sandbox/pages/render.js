// Draws messages as each app does. Text is always text: nothing that was written is read as markup.
"use strict";

const Render = (() => {
  const zone = document.body.dataset.zone;
  const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: zone });
  const day = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", timeZone: zone });
  const MENU = "☰"; // the sign before a list's name, and its name where nobody worded one
  const LINK = /https?:\/\/[^\s<>"]+[^\s<>".,;:!?)]/g;

  function element(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function words(text) {
    const made = element("p", "text");
    made.dir = "auto";
    let from = 0;
    for (const found of text.matchAll(LINK)) {
      made.append(text.slice(from, found.index));
      const link = element("a", "", found[0]);
      link.href = found[0];
      link.target = "_blank";
      link.rel = "noopener noreferrer";
      made.append(link);
      from = found.index + found[0].length;
    }
    made.append(text.slice(from));
    return made;
  }

  function ticks(read) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    made.setAttribute("viewBox", "0 0 18 12");
    made.setAttribute("class", read ? "ticks read" : "ticks");
    made.setAttribute("role", "img");
    made.setAttribute("aria-label", read ? "read" : "delivered");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", "M1 6.5 4.5 10 11 2M7.5 9l1 1L15.5 2");
    made.append(path);
    return made;
  }

  // `act` is what buttons do: act.tap(message, choice), act.list(message).
  function message(channel, one, answered, act) {
    const row = element("div", `row ${one.from}`);
    row.dataset.n = one.n;
    const bubble = element("div", "bubble");
    const who = element("span", "hidden", one.from === "customer" ? "You: " : "Business: ");
    bubble.append(who, words(one.text));
    const foot = element("span", "foot");
    if (one.edited) foot.append(element("span", "", "edited "));
    const time = element("time", "", clock.format(new Date(one.at)));
    time.dateTime = one.at;
    foot.append(time);
    if (one.from === "customer" && channel !== "sms") foot.append(ticks(answered));
    bubble.append(foot);
    row.append(bubble);
    if (one.choices.length && channel === "whatsapp" && one.kind === "twilio/list-picker") {
      const open = element("button", "choice open", one.button === MENU ? MENU : `${MENU} ${one.button}`);
      if (one.button === MENU) open.setAttribute("aria-label", "Choose");
      open.type = "button";
      open.addEventListener("click", () => act.list(one));
      row.append(open);
    } else if (one.choices.length) {
      row.append(keyboard(one, act));
    }
    return row;
  }

  function keyboard(one, act) {
    const made = element("div", "keys");
    let line = null;
    one.choices.forEach((choice, place) => {
      if (line === null || one.rows[place] !== one.rows[place - 1]) {
        line = element("div", "line");
        made.append(line);
      }
      const button = element("button", "choice", choice.label);
      button.type = "button";
      button.addEventListener("click", () => act.tap(one, choice, button));
      line.append(button);
    });
    return made;
  }

  function dayMark(at) {
    return element("p", "day", day.format(new Date(at)));
  }

  return { element, message, dayMark, day: (at) => day.format(new Date(at)), time: (at) => clock.format(at) };
})();
