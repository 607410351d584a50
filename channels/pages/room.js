// What the page and the widget are built of: nodes, what this browser keeps, how dates are written, the room itself.
const make = (tag, className, ...children) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children.filter((child) => child != null));
  return node;
};
const having = (node, attributes) => {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
};
const link = (address, label, className) =>
  having(make("a", className, label), { href: address, target: "_blank", rel: "noopener noreferrer" });
const icon = (path) => {
  const of = (tag) => document.createElementNS("http://www.w3.org/2000/svg", tag);
  const image = having(of("svg"), { viewBox: "0 0 24 24", "aria-hidden": true });
  image.append(having(of("path"), { d: path }));
  return image;
};
const round = (id, className, label, path) =>
  having(make("button", className, icon(path)), { type: "button", id, "aria-label": label, title: label });

// Kept in this browser, or where that is forbidden (or full) for as long as the page is open.
const keeper = (slug) => {
  const memory = new Map();
  const name = (key) => `threadbook:${slug}:${key}`;
  let lasting = true;
  const get = (key) => {
    if (memory.has(key)) return memory.get(key);
    try { return localStorage.getItem(name(key)); } catch { lasting = false; return null; }
  };
  const set = (key, value) => {
    try {
      if (value === null) localStorage.removeItem(name(key)); else localStorage.setItem(name(key), value);
      memory.delete(key);
    } catch { lasting = false; memory.set(key, value); }
  };
  get("token");
  return { get, set, name, lasting: () => lasting };
};

// A booking's times are shown as its own wall clock has them, wherever the reader is.
const wall = (iso) => new Date(`${iso.slice(0, 19)}Z`);
const formatter = ({ locale, language }) => {
  let own = language;
  try { [own] = Intl.getCanonicalLocales(locale); } catch { }
  const format = (date, options) => new Intl.DateTimeFormat(own, options).format(date);
  return Object.assign(format, { locale: own });
};

function furnish(place, words, { name, greeting }) {
  const choices = make("div", "choices");
  for (const key of ["try_book", "try_services", "try_hours"]) {
    choices.append(having(make("button", "choice", words[key]), { type: "button" }));
  }
  const header = make("header", "",
    having(make("span", "face", [...name][0]), { "aria-hidden": true }),
    make("div", "who", make("h1", "", make("bdi", "", name)), make("p", "", words.subtitle)),
    round("new", "quiet", words.new, "M12 5v14M5 12h14"));
  header.lastChild.hidden = true;
  const welcome = having(make("section", "", make("h2", "", greeting || words.welcome), make("p", "", words.welcome_body), choices), { id: "welcome", hidden: "" });
  const log = having(make("div"), { id: "log", role: "log", "aria-live": "off", "aria-relevant": "additions", "aria-label": words.log });
  const typing = having(make("div", "", make("i"), make("i"), make("i")), { id: "typing", "aria-hidden": true, hidden: "" });
  const send = having(round("send", "", words.send, "M12 19V6M6 11.5L12 5.5l6 6"), { type: "submit" });
  const text = having(make("textarea"), { id: "text", rows: 1, dir: "auto", enterkeyhint: "send", placeholder: words.placeholder, "aria-describedby": "problem" });
  const answer = (value, className, label) => having(make("button", className, label), { value });
  const ask = having(make("form", "", answer("no", "soft", words.new_no), answer("yes", "strong", words.new_yes)), { method: "dialog" });
  place.append(
    header,
    having(make("p"), { id: "banner", role: "status" }),
    having(make("div", "", welcome, log, typing), { id: "scroll", tabindex: 0, role: "group", "aria-label": words.log }),
    having(make("button", "", words.newest, having(make("span", "", " ↓"), { "aria-hidden": true })), { type: "button", id: "newest", hidden: "" }),
    having(make("form", "",
      having(make("p"), { id: "problem", role: "alert" }),
      make("div", "line", having(make("label", "hidden", words.input), { for: "text" }), text, send)),
    { id: "composer", "aria-label": words.title, autocomplete: "off" }),
    having(make("dialog", "", having(make("p", "", words.new_question), { id: "question" }), ask), { id: "ask", "aria-labelledby": "question" }));
}
