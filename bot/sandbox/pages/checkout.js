// The list of test cards fills in the number; paying twice by a double click is not possible.
"use strict";
const choice = document.getElementById("test-card");
const number = document.getElementById("card");
if (choice && number) {
  choice.addEventListener("change", () => {
    number.value = choice.value.replace(/(\d{4})(?=\d)/g, "$1 ");
  });
}
for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", () => {
    for (const button of document.querySelectorAll("button")) button.disabled = true;
  });
}
// Back from the bank's page by the browser's button: the page works again.
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button")) button.disabled = false;
});
