"use strict";
// The receipt: goods are named where goods are given, and the signature is drawn with a finger (doudi/sign.js). Without these files a photo of the
// signed receipt does.
(() => {
  const form = document.querySelector("[data-receipt]");
  if (!form) return;
  const goods = form.querySelector("[data-when=goods]");
  function follow() {
    const means = (form.querySelector("[name=means]:checked") || {}).value;
    if (goods) goods.hidden = means !== "goods";
  }
  form.addEventListener("change", follow);
  follow();
  window.doudiSign(form, () => {});
})();
