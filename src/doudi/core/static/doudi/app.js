"use strict";
// Everything works without this file except the drawer, the confirmation dialog and the progress of uploads.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const drawer = () => $("#drawer");
  const ask = () => $("#ask");
  let opener = null;

  // A confirmation names the effect: <button data-confirm="将发放 12,192 笔……" data-confirm-ok="发放">
  function confirmed(text, ok, danger) {
    return new Promise((resolve) => {
      const box = ask();
      $("[data-ask-text]", box).textContent = text;
      const yes = $("[data-ask-yes]", box);
      yes.textContent = ok || yes.dataset.label;
      yes.classList.toggle("dan", danger);
      box.returnValue = "";
      box.addEventListener("close", () => resolve(box.returnValue === "yes"), { once: true });
      box.showModal();
    });
  }

  // What is ticked is counted: <small data-ticked="d" data-words="已勾选 {n} 件，合计 {sum} 元/月">; such a button's question may say {n} and {sum} too.
  function counted(name, words) {
    let n = 0, fen = 0;
    document.getElementsByName(name).forEach((box) => {
      if (!box.checked) return;
      n += 1;
      fen += Math.round(Number(box.dataset.amount || 0) * 100);
    });
    return words.replace("{n}", n).replace("{sum}", (fen / 100).toFixed(2).replace(/\B(?=(\d{3})+(?!\d))/g, ","));
  }
  function countTicks() {
    document.querySelectorAll("[data-words]").forEach((shown) => { shown.textContent = counted(shown.dataset.ticked, shown.dataset.words); });
  }
  window.addEventListener("pageshow", countTicks);  // a browser keeps ticks when a page is loaded again
  document.addEventListener("htmx:afterSettle", countTicks);

  document.addEventListener("submit", (event) => {
    const form = event.target;
    const button = event.submitter;
    let text = (button && button.dataset.confirm) || form.dataset.confirm;
    if (text && button && button.dataset.ticked) text = counted(button.dataset.ticked, text);
    if (text && !form.dataset.sure) {
      event.preventDefault();
      event.stopImmediatePropagation();
      confirmed(text, button && button.dataset.confirmOk, Boolean(button && button.classList.contains("dan"))).then((yes) => {
        if (!yes) return;
        form.dataset.sure = "1";
        if (button) button.click(); else form.requestSubmit();
        delete form.dataset.sure;
      });
      return;
    }
    // The same form is not sent twice; a page that comes back from the browser's memory is free again.
    if (form.method === "post" && !form.hasAttribute("hx-post")) {
      if (form.dataset.sent) { event.preventDefault(); return; }
      form.dataset.sent = "1";
      form.setAttribute("aria-busy", "true");
    }
  }, true);
  window.addEventListener("pageshow", () => document.querySelectorAll("[data-sent]").forEach((form) => {
    delete form.dataset.sent;
    form.removeAttribute("aria-busy");
  }));

  // A place box holds the code; the chosen place's name stands below it.
  function named(box) {
    const option = [...((box.list && box.list.options) || [])].find((each) => each.value === box.value);
    let told = box.parentElement.querySelector("small.chosen");
    if (!told) {
      told = document.createElement("small");
      told.className = "chosen";
      told.setAttribute("role", "status");
      box.after(told);
    }
    told.textContent = option ? option.textContent : "";
  }
  const PLACES = "input[list][hx-get^='/places/']";
  document.addEventListener("input", (event) => { if (event.target.matches(PLACES)) named(event.target); });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.matches("datalist")) document.querySelectorAll(PLACES).forEach((box) => { if (box.list === event.target) named(box); });
  });
  window.addEventListener("load", () => document.querySelectorAll(PLACES).forEach((box) => {
    if (box.value) box.dispatchEvent(new Event("input", { bubbles: true }));
  }));

  // A row of tabs that is wider than the phone shows the tab that is open.
  window.addEventListener("DOMContentLoaded", () => document.querySelectorAll(".tabs [aria-current]").forEach((tab) => {
    const bar = tab.parentElement.getBoundingClientRect(), here = tab.getBoundingClientRect();
    tab.parentElement.scrollLeft += here.left - bar.left - (bar.width - here.width) / 2;
  }));

  document.addEventListener("htmx:confirm", (event) => {
    if (!event.detail.question) return;
    event.preventDefault();
    confirmed(event.detail.question, event.detail.elt.dataset.confirmOk, event.detail.elt.classList.contains("dan"))
      .then((yes) => { if (yes) event.detail.issueRequest(true); });
  });

  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest(selector);
    if (at("[data-print]")) window.print();
    const burger = at(".burger");
    if (burger) burger.setAttribute("aria-expanded", String($(".side").classList.toggle("open")));
    else if (!at(".side") && $(".side.open")) { $(".side").classList.remove("open"); $(".burger").setAttribute("aria-expanded", "false"); }
    document.querySelectorAll("details.menu[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
    if (at("[data-close]")) at("dialog").close();
    if (event.target.tagName === "DIALOG") event.target.close();  // the backdrop belongs to the dialog
    const opened = at("[hx-target='#drawer-body']");
    if (opened) opener = opened;
    const copy = at("[data-copy]");
    if (copy && navigator.clipboard) navigator.clipboard.writeText(copy.dataset.copy);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") document.querySelectorAll("details.menu[open]").forEach((menu) => { menu.open = false; $("summary", menu).focus(); });
    // Single keys press the button that shows them; never while typing.
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    const button = $('[data-key="' + CSS.escape(event.key) + '"]');
    if (button && !$("dialog[open]")) button.click();
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
    if (event.target.matches("[data-all]")) document.getElementsByName(event.target.dataset.all).forEach((box) => { box.checked = event.target.checked; });
    if (event.target.matches("[type=checkbox]")) countTicks();
    if (event.target.matches(".up-area input[type=file]")) {
      const names = Array.from(event.target.files, (file) => file.name).join("、");
      const shown = $("[data-names]", event.target.closest(".up-area"));
      if (shown) shown.textContent = names;
    }
  });

  document.addEventListener("htmx:beforeRequest", () => { $(".busy").classList.add("on"); });
  document.addEventListener("htmx:afterRequest", () => { $(".busy").classList.remove("on"); });
  document.addEventListener("htmx:afterSwap", (event) => {
    const target = event.detail.target;
    if (target.id === "drawer-body") {
      const box = drawer();
      if (!box.open) {
        box.showModal();
        box.addEventListener("close", () => { target.replaceChildren(); if (opener) opener.focus(); }, { once: true });
      }
      box.scrollTop = 0;
    }
  });
  // A failed request says so in words; the answer's own words stand in the page that the server sent.
  function failed(event) {
    const xhr = event.detail.xhr;
    const body = document.body.dataset;
    if (xhr && xhr.status === 401) { window.location.reload(); return; }
    const words = xhr && (xhr.getResponseHeader("X-Message") ? decodeURIComponent(xhr.getResponseHeader("X-Message")) : "");
    $("[data-msgs]").textContent = "";
    const note = document.createElement("div");
    note.className = "note red";
    note.setAttribute("role", "alert");
    note.textContent = words || (xhr && xhr.status === 403 ? body.denied : xhr && xhr.status ? body.failed : body.offline);
    $("[data-msgs]").append(note);
    window.scrollTo(0, 0);
  }
  document.addEventListener("htmx:responseError", failed);
  document.addEventListener("htmx:sendError", failed);
})();
