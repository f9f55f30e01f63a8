"use strict";
// A signature drawn with a finger: `doudiSign(form, changed)` on a form with [data-sign], [data-sign-again] and a field `signature`.
// Shows the canvas, keeps what is drawn as a picture in the field, calls `changed` after each stroke and each "again"; returns what clears it.
// Where the browser cannot draw it shows nothing: the form offers a photo or a witness instead.
window.doudiSign = (form, changed) => {
  const canvas = form.querySelector("[data-sign]");
  const again = form.querySelector("[data-sign-again]");
  const field = form.elements.signature;
  const pen = canvas && canvas.getContext && canvas.getContext("2d");
  if (!pen) return () => {};
  let drawn = false, last = null;
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
    changed();
  }));
  again.addEventListener("click", () => { clear(); changed(); });
  return clear;
};
