// Who is writing in the open thread: said by the socket while somebody types, shown until it runs out.

import { tell } from "./server.js";

const SAY_EVERY = 3_000;
const SHOWN_AFTER_ASKING = 6_000;

export function presence(pane, composer) {
  if (!pane) return { heard() {}, replace() {}, quiet() {} };
  const { threadId, me, writing, writingSeveral } = pane.dataset;
  const place = pane.querySelector("[data-typing]");
  const people = new Map(); // id -> { name, timer }
  let said = 0;

  function show() {
    const names = [...people.values()].map((one) => one.name);
    place.hidden = names.length === 0;
    const text = names.length > 1 ? writingSeveral.replace("{names}", () => names.join(", ")) : writing.replace("{name}", () => names[0] ?? "");
    // Said anew only when it changes: a screen reader reads what is put here.
    const who = place.querySelector("[data-who]");
    if (names.length && who.textContent !== text) who.textContent = text;
  }

  function forget(id) {
    clearTimeout(people.get(id)?.timer);
    people.delete(id);
    show();
  }

  function add(id, name, milliseconds) {
    clearTimeout(people.get(id)?.timer);
    people.set(id, { name, timer: setTimeout(() => forget(id), milliseconds) });
    show();
  }

  function quiet() {
    if (said) tell({ quiet: threadId });
    said = 0;
  }

  composer.elements.text.addEventListener("input", () => {
    const note = composer.elements.mode.value === "note";
    if (!composer.elements.text.value.trim() || note) return quiet();
    if (performance.now() - said < SAY_EVERY && said) return;
    said = performance.now();
    tell({ typing: threadId });
  });
  addEventListener("pagehide", quiet);

  return {
    quiet,
    heard({ kind, who, name, seconds }) {
      if (who === me) return;
      if (kind === "typing") add(who, name, seconds * 1000);
      else forget(who);
    },
    // What the server knew when it was asked: news may be lost.
    replace(now) {
      for (const [id, name] of Object.entries(now ?? {})) if (!people.has(id)) add(id, name, SHOWN_AFTER_ASKING);
    },
  };
}
