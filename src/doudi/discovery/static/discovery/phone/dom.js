"use strict";
// Small helpers of the phone page: elements from words (never from markup), texts with their gaps filled, days of the place.
const Dom = (() => {
  const texts = JSON.parse(document.getElementById("texts").textContent);
  const find = (selector, root = document) => root.querySelector(selector);
  const each = (selector, work) => document.querySelectorAll(selector).forEach(work);

  // make("small", "mut", "words", element, null)
  function make(tag, css, ...inside) {
    const made = document.createElement(tag);
    if (css) made.className = css;
    made.append(...inside.filter((part) => part !== null && part !== undefined && part !== ""));
    return made;
  }
  const tag = (words, colour) => make("span", "tag " + (colour || ""), words);
  const icon = (name) => find("template[data-icon='" + name + "']").content.cloneNode(true);
  function button(words, css, work) {
    const made = make("button", "btn " + css, words);
    made.type = "button";
    made.addEventListener("click", work);
    return made;
  }

  const say = (name, values = {}) => texts[name].replace(/\{(\w+)\}/g, (_gap, key) => values[key]);
  const zone = { timeZone: "Asia/Shanghai" };
  const day = (moment) => moment.toLocaleDateString("sv-SE", zone);
  const time = (moment) => moment.toLocaleTimeString("sv-SE", Object.assign({ hour: "2-digit", minute: "2-digit" }, zone));
  const moment = (when) => (day(when) === day(Vault.now()) ? time(when) : day(when).slice(5) + " " + time(when));
  const weekday = (when) => day(when).slice(5) + " " + when.toLocaleDateString(document.documentElement.lang, Object.assign({ weekday: "short" }, zone));

  function note(words, colour) {
    const made = make("div", "note " + (colour || "blue"), make("div", "", words));
    if (colour === "red") made.setAttribute("role", "alert");
    find("[data-said]").replaceChildren(made);
    window.scrollTo(0, 0);
  }
  const quiet = () => find("[data-said]").replaceChildren();

  return { texts, find, each, make, tag, icon, button, say, day, time, moment, weekday, note, quiet };
})();
