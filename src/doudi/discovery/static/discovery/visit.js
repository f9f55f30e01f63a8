"use strict";
// The visit's form: fields that follow from others, and the signature. Without this file all fields show and a witness is named instead.
// The phone page fills the form anew for each household and calls `form.doudiVisit.follow()` and `.clear()`.
(() => {
  const form = document.querySelector("[data-visit]");
  if (!form) return;
  const canvas = form.querySelector("[data-sign]");
  const again = form.querySelector("[data-sign-again]");
  const field = form.elements.signature;
  let drawn = false, last = null;

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
  form.doudiVisit = { follow, clear: () => {} };

  const pen = canvas.getContext && canvas.getContext("2d");
  if (!pen) return;
  function clear() {
    canvas.width = canvas.clientWidth || 320;
    canvas.height = canvas.clientHeight || 160;
    pen.lineWidth = 3;
    pen.lineCap = pen.lineJoin = "round";
    pen.strokeStyle = "#0d3f8a";
    drawn = false;
    field.value = "";
  }
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) * canvas.width / box.width, (event.clientY - box.top) * canvas.height / box.height];
  };
  canvas.hidden = again.hidden = false;
  clear();
  canvas.addEventListener("pointerdown", (event) => { last = at(event); canvas.setPointerCapture(event.pointerId); event.preventDefault(); });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    const next = at(event);
    pen.beginPath();
    pen.moveTo(last[0], last[1]);
    pen.lineTo(next[0], next[1]);
    pen.stroke();
    last = next;
    drawn = true;
  });
  ["pointerup", "pointercancel"].forEach((name) => canvas.addEventListener(name, () => {
    last = null;
    if (!drawn) return;
    field.value = canvas.toDataURL("image/png");
    form.dispatchEvent(new Event("change", { bubbles: true }));
  }));
  again.addEventListener("click", () => { clear(); form.dispatchEvent(new Event("change", { bubbles: true })); });
  form.doudiVisit.clear = clear;
})();
