"use strict";
// The form at the door: questions about those who were met show only where somebody was. Without this file all of them show.
(() => {
  const form = document.querySelector("[data-sweep]");
  if (!form) return;
  function follow() {
    const met = (form.querySelector("[name=met]:checked") || {}).value || "";
    const inside = met === "self" || met === "family" || met === "";
    form.querySelectorAll(".vs-in").forEach((each) => { each.hidden = !inside; });
    form.querySelectorAll(".vs-out").forEach((each) => { each.hidden = inside || !(met === "absent" || met === "unreachable"); });
  }
  form.addEventListener("change", follow);
  follow();
})();
