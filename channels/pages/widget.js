// The widget: a button on somebody else's page that opens a thread, in a shadow root of its own.
// STYLE (the button's) and WORDS (of before anything else is loaded, by language) are put before this by web_widget.py.
const script = document.currentScript ?? document.querySelector('script[src*="/chat/widget.js"]');
const wish = { ...script.dataset };
const origin = new URL(script.src).origin;

// ---- colours: a business's own, made darker or lighter until it can be read
const colours = (() => {
  const light = { paper: [251, 250, 247], card: [255, 255, 255], away: [0, 0, 0], tint: 0.88 };
  const dark = { paper: [25, 24, 22], card: [36, 34, 31], away: [255, 255, 255], tint: 0.64 };
  const read = (text) => {
    const brush = document.createElement("canvas").getContext("2d");
    brush.fillStyle = text;
    const found = /^#(..)(..)(..)$/.exec(brush.fillStyle);
    return found && CSS.supports("color", text) ? found.slice(1).map((part) => parseInt(part, 16)) : null;
  };
  const linear = (part) => (part / 255 <= 0.04045 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const contrast = (one, two) => {
    const [high, low] = [luminance(one), luminance(two)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  const mix = (one, two, share) => one.map((part, n) => Math.round(part + (two[n] - part) * share));
  const css = (colour) => `rgb(${colour.join(" ")})`;
  const tones = (own, { paper, card, away, tint }) => {
    const wash = mix(own, paper, tint);
    let accent = own;
    for (let share = 0; share <= 1; share += 0.04) {
      accent = mix(own, away, share);
      if ([paper, card, wash].every((ground) => contrast(accent, ground) >= 4.6)) break;
    }
    const ink = contrast(own, [255, 255, 255]) >= 4.5 ? "#fff" : "#000";
    return `:host { --mine: ${css(own)}; --mine-ink: ${ink}; --accent: ${css(accent)}; --wash: ${css(wash)}; }`;
  };
  const own = wish.accent && read(wish.accent);
  return own ? [tones(own, light), tones(own, dark)] : ["", ""];
})();

const sheet = (css, media = "all") => {
  const made = new CSSStyleSheet({ media });
  made.replaceSync(css);
  return made;
};
const night = { light: "not all", dark: "all" }[wish.theme] ?? "(prefers-color-scheme: dark)";

function install() {
  if (document.querySelector("threadbook-chat")) return;
  const host = document.createElement("threadbook-chat");
  const root = host.attachShadow({ mode: "open" });
  const wear = (style = "", dark = "") => {
    const scheme = { light: ":host{color-scheme:light}", dark: ":host{color-scheme:dark}" }[wish.theme] ?? "";
    root.adoptedStyleSheets = [sheet(STYLE + scheme + style + colours[0]), sheet(dark + colours[1], night)];
  };
  wear();
  const own = [wish.lang, ...(navigator.languages ?? [])].map((tag) => String(tag).slice(0, 2)).find((tag) => WORDS[tag]) ?? "en";
  const say = WORDS[own];
  const slug = wish.business ?? "";
  const kept = keeper(slug);
  const phone = matchMedia("(max-width: 480px), (max-height: 416px)");

  const launcher = round("launcher", "", say.open, "M21 11.5a8.4 8.4 0 0 1-12.3 7.4L3 21l2.1-5.7A8.4 8.4 0 1 1 21 11.5z");
  const dot = having(make("i", "dot"), { hidden: "" });
  launcher.append(dot);
  launcher.setAttribute("aria-haspopup", "dialog");
  const panel = having(make("section", "room panel"), { role: "dialog", "aria-label": say.open, tabindex: -1, hidden: "", lang: own });
  const dock = make("div", `dock ${wish.position === "left" ? "left" : ""}`, panel, launcher);
  root.append(dock);
  document.body.append(host);

  const close = round("close", "quiet", say.close, "M6 6l12 12M18 6L6 18");
  let thread = null, heard = 0, opener = null, loading = null, attempts = 0, retry;
  const isOpen = () => !panel.hidden;

  function unread() {
    if (isOpen() && heard) kept.set("seen", String(heard));
    const waiting = heard > Number(kept.get("seen") ?? 0);
    dot.hidden = !waiting;
    launcher.ariaLabel = waiting ? `${say.open}, ${say.unread}` : say.open;
  }

  // ---- words come from the server once they are needed; until then there is a line that says how it stands
  function notice(text, ...more) {
    const focused = panel.contains(root.activeElement);
    const line = having(make("p", "", text), { role: "status" });
    panel.replaceChildren(make("header", "", close), make("div", "notice", line, ...more));
    if (focused) close.focus();
  }

  async function load() {
    const query = new URLSearchParams({ ...(slug && { business: slug }), ...(wish.lang && { lang: wish.lang }) });
    const answer = await fetch(`${origin}/chat/widget.json?${query}`);
    const told = await answer.json();
    if (answer.status === 403 || answer.status === 404) return notice(told.say, told.page && link(told.page, told.link, "strong"));
    if (!answer.ok) throw new Error("not answered");
    const { words, style, dark, ...settings } = told;
    wear(style, dark);
    panel.replaceChildren();
    panel.lang = settings.language;
    panel.ariaLabel = words.title;
    dock.dir = wish.dir ?? settings.direction;
    Object.assign(settings, { origin, greeting: wish.greeting });
    thread = openThread(root, panel, { words, settings, kept, on: { news(seq) { heard = seq; unread(); } } });
    panel.querySelector("header").append(close);
    if (isOpen()) arrive();
  }
  function furnished() {
    if (thread || loading) return;
    clearTimeout(retry);
    if (isOpen()) notice("…");
    loading = load().then(() => { attempts = 0; }, () => {
      attempts += 1;
      const again = having(make("button", "strong", say.again), { type: "button" });
      again.addEventListener("click", furnished);
      notice(say.away, again);
      retry = setTimeout(() => { if (isOpen()) furnished(); }, Math.min(2 ** attempts, 30) * 1000);
    }).finally(() => { loading = null; });
  }

  // ---- opening and closing: where the focus is, and that it comes back
  function arrive() {
    thread?.toEnd();
    (phone.matches ? panel : root.getElementById("text") ?? close).focus({ preventScroll: true });
  }
  function open(from) {
    opener = from;
    panel.hidden = false;
    launcher.hidden = true;
    fit();
    furnished();
    arrive();
    unread();
  }
  function shut() {
    panel.hidden = true;
    launcher.hidden = false;
    (opener?.isConnected && opener !== launcher ? opener : launcher).focus();
  }
  launcher.addEventListener("click", () => open(launcher));
  close.addEventListener("click", shut);
  document.addEventListener("click", (event) => {
    const wanted = event.target.closest?.("[data-threadbook-open]");
    if (!wanted) return;
    event.preventDefault();
    open(wanted);
  });

  const reachable = () => [...panel.querySelectorAll("a[href], button, textarea, [tabindex='0']")]
    .filter((each) => each.getClientRects().length && !each.closest("dialog"));
  for (const type of ["keydown", "keyup", "keypress"]) {
    // The page's own shortcuts are not for what is written here.
    dock.addEventListener(type, (event) => event.stopPropagation());
  }
  panel.addEventListener("keydown", (event) => {
    if (root.getElementById("ask")?.open) return;
    if (event.key === "Escape" && !event.isComposing) return shut();
    if (event.key !== "Tab") return;
    const stops = reachable(), here = root.activeElement, end = event.shiftKey ? stops[0] : stops.at(-1);
    if (here !== end && here !== panel) return;
    if (here === panel && !event.shiftKey) return;
    event.preventDefault();
    (event.shiftKey ? stops.at(-1) : stops[0])?.focus();
  });

  // On a phone the panel is the whole screen, above the keyboard.
  function fit() {
    const view = phone.matches && window.visualViewport;
    panel.ariaModal = String(phone.matches);
    panel.style.height = view ? `${view.height}px` : "";
    panel.style.top = view ? `${view.offsetTop}px` : "";
  }
  phone.addEventListener("change", fit);
  for (const type of ["resize", "scroll"]) window.visualViewport?.addEventListener(type, () => { if (isOpen()) fit(); });

  addEventListener("storage", (event) => { if (event.key === kept.name("seen")) unread(); });
  if (kept.get("token")) furnished(); // an answer may have come meanwhile
}
if (document.body) install(); else addEventListener("DOMContentLoaded", install);
