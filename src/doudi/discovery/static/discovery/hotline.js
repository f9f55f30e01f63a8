"use strict";
// Keys of the intake page. Without this file everything is reached by Tab and the mouse.
(() => {
  const form = document.querySelector("[data-hotline]");
  if (!form) return;
  const press = (selector) => { const found = form.querySelector(selector); if (found) found.click(); return Boolean(found); };
  document.addEventListener("keydown", (event) => {
    let done = false;
    if (event.ctrlKey && event.key === "Enter") done = press("[data-main]");
    else if (event.altKey && !event.ctrlKey && !event.metaKey) {
      const key = event.code;
      if (/^Digit[1-9]$/.test(key)) done = press('[data-need="' + key.slice(5) + '"]');
      else if (key === "KeyQ") done = press('[data-urgency="1"]');
      else if (key === "KeyW") done = press('[data-urgency="2"]');
      else if (key === "KeyE") done = press('[data-urgency="3"]');
      else if (key === "KeyC") done = press('button[value="consult"]');
      else if (key === "KeyK") { form.querySelector("#know").focus(); done = true; }
    }
    if (done) event.preventDefault();
  });
  // Which open lead a repeated call belongs to.
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-lead]");
    if (button) form.querySelector("[name=lead]").value = button.dataset.lead;
  }, true);
  const first = form.querySelector("[name=phone]");
  if (first && !form.querySelector("[aria-invalid=true]")) first.focus();
})();
