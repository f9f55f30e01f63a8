"use strict";
// The visit's form: fields that follow from others, and the signature (doudi/sign.js). Without this file all fields show and a witness is named instead.
// The phone page fills the form anew for each household and calls `form.doudiVisit.follow()` and `.clear()`.
(() => {
  const form = document.querySelector("[data-visit]");
  if (!form) return;
  function follow() {
    const met = (form.querySelector("[name=met]:checked") || {}).value || "";
    const inside = met === "self" || met === "family" || met === "";
    form.querySelectorAll(".vs-in").forEach((each) => { each.hidden = !inside; });
    form.querySelectorAll(".vs-out").forEach((each) => { each.hidden = inside || !(met === "absent" || met === "unreachable"); });
    const medicine = form.querySelector("[data-when=medicine]");
    medicine.hidden = !inside || !form.querySelector("[name=needs][value=medicine]").checked;
  }
  form.addEventListener("change", follow);
  follow();
  const clear = window.doudiSign(form, () => form.dispatchEvent(new Event("change", { bubbles: true })));
  form.doudiVisit = { follow, clear };
})();
