// Links are copied, sheets printed. Without this script the buttons stay away: links can be selected, browsers print.

const LASTS = 2_500;
const said = document.querySelector("[data-said]");

async function copy(element) {
  const text = element.textContent.trim();
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // A page that came by plain HTTP has no clipboard of its own: what is selected can still be copied.
    getSelection().selectAllChildren(element);
    return document.execCommand("copy");
  }
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const label = button.querySelector("[data-label]");
  const usual = label.textContent;
  let over = 0;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const done = await copy(document.getElementById(button.dataset.copy));
    const text = done ? button.dataset.done : button.dataset.byHand;
    said.textContent = "";
    label.textContent = text;
    requestAnimationFrame(() => { said.textContent = text; });
    clearTimeout(over);
    over = setTimeout(() => { label.textContent = usual; said.textContent = ""; }, LASTS);
  });
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
