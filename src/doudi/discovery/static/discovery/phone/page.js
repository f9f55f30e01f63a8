"use strict";
// The phone page: which screen shows, the list, the queue, and what is said about the network.
(() => {
  const { find, each, make, tag, icon, say, texts, button } = Dom;
  const body = document.body, HIDDEN_MINUTES = 10, IDLE_MINUTES = 15, SYNC_MINUTES = 10, MINUTE = 60000;
  const login = body.dataset.login + "?next=" + encodeURIComponent(body.dataset.root);
  let left = 0, touched = Date.now(), hiddenAt = Date.now();

  // --- screens -----------------------------------------------------------------------------------------------------
  function show(name) {
    each("[data-screen]", (screen) => { screen.hidden = screen.dataset.screen !== name; });
    const inside = ["list", "queue", "mine"].includes(name);
    find("[data-bar]").hidden = !inside;
    find(".vp-back").hidden = name !== "form";
    each("[data-bar] a", (link) => {
      if (link.hash === "#" + name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    });
    window.scrollTo(0, 0);
  }

  // Network and sign-in as they stand: offline, signin, online, trouble, and what a Halt says.
  function banner(kind, message) {
    const box = find("[data-banner]"), known = Vault.exists();
    const time = known ? Dom.moment(new Date(Vault.meta().lastSync + (Vault.meta().offset || 0))) : "";
    const more = { offline: known ? say("offline_more", { time }) : texts.never, signin: texts.signin_more, online: known ? say("online_more", { time }) : "" };
    find("[data-banner-head]").textContent = { offline: known ? texts.offline : texts.need_net, signin: texts.signin, online: texts.online, syncing: texts.syncing }[kind] || message || texts.trouble;
    find("[data-banner-more]").textContent = known && Vault.unsynced() > 4 && kind !== "online" ? say("waiting_long", { days: Math.floor(Vault.unsynced()) }) : more[kind] || "";
    find(".note", box).className = "note " + (kind === "online" || kind === "syncing" ? "blue" : "orange");
    find("[data-banner-signin]").hidden = kind !== "signin";
    box.hidden = !Vault.unlocked();
  }

  async function wiped(why) {
    if (Vault.exists()) await Vault.wipe(why);
    location.hash = "";
    await start(texts.wiped[why] || texts.wiped.wiped);
  }

  // --- the list ----------------------------------------------------------------------------------------------------
  const today = () => Dom.day(Vault.now());
  const inDays = (days) => Dom.day(new Date(Vault.now().getTime() + days * 86400000));
  const order = (one, other) => one.order[0] - other.order[0] || (one.order[1] < other.order[1] ? -1 : one.order[1] > other.order[1] ? 1 : one.order[2] - other.order[2]);

  function row(item) {
    const late = item.due && item.due < today(), now = item.due === today();
    const link = make("a", "vp-row", make("b", "big", item.name),
      make("small", "", [item.age === null ? "" : say("years", { age: item.age }), item.size ? say("people", { size: item.size }) : "", item.groups].filter(Boolean).join("　")),
      item.lead_reason || item.reason ? make("small", "", item.lead_reason || item.reason) : "",
      make("small", "", icon("map-pin"), " ", item.address || texts.no_address, item.due ? "　" + say("due", { day: item.due.slice(5) }) : ""),
      make("span", "tgs", late ? tag(texts.overdue, "red") : now ? tag(texts.today, "red") : "", ...item.why.map(([words, colour]) => tag(words, colour)), item.draft ? tag(texts.draft, "purple") : ""));
    link.href = "#" + item.key;
    return make("li", "", link);
  }

  async function renderList() {
    const list = (await Vault.get("list")) || { items: {}, place: "", elsewhere: 0 }, items = await Vault.all("item:");
    const recorded = new Set(items.map((item) => item.key).filter((key) => key.startsWith("v")));
    items.filter((item) => item.state === "waiting").forEach((item) => recorded.add(item.key));
    const open = Object.values(list.items).filter((item) => !recorded.has(item.key)).sort(order);
    await Promise.all(open.map(async (item) => { item.draft = Boolean(await Vault.count("draft:" + item.key)); }));
    const sorts = { today: open.filter((item) => item.due && item.due <= today()), week: open.filter((item) => item.due && item.due <= inDays(7)), all: open };
    const shown = sorts[(find("[name=when]:checked") || { value: "today" }).value];
    Object.keys(sorts).forEach((name) => { find("[data-n=" + name + "]").textContent = sorts[name].length; });
    const rows = [];
    let group = null;
    shown.forEach((item) => {
      if (item.group !== group) rows.push(make("li", "vs-group", make("b", "", item.group || texts.no_group)));
      group = item.group;
      rows.push(row(item));
    });
    find("[data-list]").replaceChildren(...rows);
    find("[data-empty]").hidden = shown.length > 0;
    find("[data-count]").textContent = say("households", { count: shown.length });
    each("[data-place]", (place) => { place.textContent = list.place || ""; });
    const elsewhere = find("[data-elsewhere]");
    elsewhere.hidden = !list.elsewhere;
    elsewhere.textContent = list.elsewhere ? say("elsewhere", { count: list.elsewhere }) : "";
    const done = items.filter((item) => Dom.day(new Date(item.done_at)) === today());
    find("[data-done-card]").hidden = !done.length;
    find("[data-done-count]").textContent = say("households", { count: done.length });
    find("[data-done]").replaceChildren(...done.map((item) => make("li", "", make("div", "", item.subject.name, make("small", "", Dom.time(new Date(item.done_at)))), tag(...texts.states[item.state]))));
    const all = done.length + sorts.today.length;
    find("[data-progress-words]").textContent = say("progress", { done: done.length, all });
    Object.assign(find("[data-progress]"), { max: all || 1, value: done.length });
    find("[data-held]").textContent = say("households", { count: Object.keys(list.items).length });
    find("[data-synced]").textContent = Dom.moment(new Date(Vault.meta().lastSync + (Vault.meta().offset || 0)));
    find("[data-until]").textContent = Vault.meta().shareUntil ? Dom.moment(new Date(Vault.meta().shareUntil + (Vault.meta().offset || 0))) : "—";
    await renderQueue(items);
  }

  // --- the queue ---------------------------------------------------------------------------------------------------
  function size(item) {
    const bytes = item.photos.reduce((sum, photo) => sum + photo.size, 2000);
    return bytes > 100000 ? (bytes / 1048576).toFixed(1) + " MB" : Math.ceil(bytes / 1024) + " KB";
  }

  function queued(item) {
    const photos = item.photos.filter((photo) => !photo.signature), refused = item.photos.filter((photo) => photo.state === "refused");
    const waits = item.photos.some((photo) => photo.state === "waiting");
    const what = [texts.record, photos.length ? say("photos", { count: photos.length }) : "", item.photos.length > photos.length ? texts.signature : ""].filter(Boolean).join("、");
    const words = make("div", "", make("b", "", item.subject.name), "　" + what, make("small", "", Dom.moment(new Date(item.done_at)) + "　" + size(item)));
    if (item.state === "refused") words.append(make("small", "up", item.message));
    if (item.state === "conflict") words.append(make("small", "", texts.conflict));
    if (item.known) words.append(make("small", "", texts.known));
    if (item.trouble && item.state === "waiting") words.append(make("small", "", texts.trouble));
    refused.forEach((photo) => words.append(make("small", "up", say("photo_refused", { message: photo.message }))));
    const acts = make("span", "acts");
    if (item.state === "refused") {
      const mend = make("a", "btn", texts.mend);
      mend.href = "#" + item.uuid;
      acts.append(mend, button(texts.retry, "", async () => { item.state = "waiting"; await Sync.save(item); sync(); }), button(texts.drop, "dan", async () => {
        if (!window.confirm(texts.discard)) return;
        await Vault.remove("item:" + item.uuid, ...item.photos.map((photo) => "photo:" + photo.id));
        renderList();
      }));
    } else if (refused.length) {
      acts.append(button(texts.drop_photo, "", async () => {
        await Vault.remove(...refused.map((photo) => "photo:" + photo.id));
        item.photos = item.photos.filter((photo) => photo.state !== "refused");
        await Sync.save(item);
        renderList();
      }));
    }
    if (acts.childNodes.length) words.append(acts);
    return make("li", "", words, waits && item.state !== "waiting" ? tag(texts.states.waiting[0], "") : tag(...texts.states[item.state]));
  }

  async function renderQueue(items) {
    const rank = { refused: 0, waiting: 1, conflict: 2, sent: 3 };
    const sorted = items.sort((one, other) => rank[one.state] - rank[other.state] || (one.at < other.at ? 1 : -1));
    const open = items.filter((item) => Sync.pending(item) || item.state === "refused" || item.photos.some((photo) => photo.state === "refused"));
    left = open.length;
    find("[data-queue]").replaceChildren(...sorted.map(queued));
    find("[data-queue-empty]").hidden = sorted.length > 0;
    find("[data-queue-count]").textContent = left;
    const badge = find("[data-badge]");
    badge.hidden = !left;
    badge.textContent = left;
  }

  // --- synchronising -----------------------------------------------------------------------------------------------
  async function sync() {
    if (!Vault.unlocked()) return;
    banner("syncing");
    try {
      await Sync.run();
      banner("online");
    } catch (error) {
      if (!(error instanceof Halt)) throw error;
      if (error.why === "wipe") { await wiped(error.data.why); return; }
      banner({ offline: "offline", signin: "signin" }[error.why] || "trouble", error.why === "elsewhere" ? texts.other_posting : error.data.message);
    }
    if (Vault.unlocked() && !find("[data-screen=form]:not([hidden])")) await renderList();
  }

  // --- where the address leads -------------------------------------------------------------------------------------
  async function route() {
    if (!Vault.unlocked()) return;
    const name = location.hash.slice(1) || "list";
    await VisitForm.close();
    Dom.quiet();
    if (["list", "queue", "mine"].includes(name)) {
      find("[data-title]").textContent = document.title.split(" · ")[0];
      await renderList();
      show(name);
      return;
    }
    const list = await Vault.get("list"), item = await Vault.get("item:" + name);
    const subject = item ? item.subject : list && list.items[name];
    if (!subject) { location.hash = "list"; return; }
    find("[data-title]").textContent = subject.name;
    show("form");
    await VisitForm.open(subject, item && item.state === "refused" ? item : null, () => {
      location.hash = item ? "queue" : "list";
      setTimeout(() => { Dom.note(texts.saved, "green"); sync(); }, 50);
    });
  }

  // --- PIN ---------------------------------------------------------------------------------------------------------
  const weak = (pin) => !/^[0-9]{6}$/.test(pin) || /^(\d)\1+$/.test(pin) || "01234567890123456789".includes(pin) || "98765432109876543210".includes(pin);
  function complain(form, words) {
    const said = find("[data-pin-error]", form);
    said.textContent = words;
    said.hidden = !words;
    form.reset();
    if (words) find("input", form).focus();
  }
  async function busy(form, work) {
    const press = find("button.pri", form);
    press.disabled = true;
    try { await work(); } finally { press.disabled = false; }
  }
  const label = () => ((navigator.userAgent.match(/\(([^)]*)\)/) || [])[1] || "").split(";").slice(0, 3).join(" ").slice(0, 60);

  find("[data-setup]").addEventListener("submit", (event) => {
    event.preventDefault();
    const form = event.target, pin = form.elements.pin.value;
    if (weak(pin)) { complain(form, texts.weak_pin); return; }
    if (pin !== form.elements.again.value) { complain(form, texts.pins_differ); return; }
    busy(form, async () => {
      try {
        const device = Vault.identifier();
        await Sync.state();
        await Vault.setUp(pin, device, await Sync.open(device, label()));
        localStorage.removeItem("doudi-visits-wiped");
        complain(form, "");
        await sync();
        await route();
      } catch (error) {
        if (!(error instanceof Halt)) throw error;
        complain(form, error.data.message || (error.why === "offline" ? texts.need_net : texts.trouble));
      }
    });
  });

  find("[data-unlock]").addEventListener("submit", (event) => {
    event.preventDefault();
    const form = event.target, pin = form.elements.pin.value;
    if (!/^[0-9]{6}$/.test(pin)) { complain(form, texts.six_digits); return; }
    busy(form, async () => {
      if (Vault.stale()) { await wiped("stale"); return; }
      if (!Vault.hasShare()) { await start(""); return; }
      const result = await Vault.unlock(pin), waiting = result > 0 ? await Vault.count("item:") : 0;
      if (result < 0) { await wiped("pin"); return; }
      if (result > 0) { complain(form, say(waiting ? "wrong_pin_queue" : "wrong_pin", { left: result, count: waiting })); return; }
      complain(form, "");
      banner("offline");
      await route();
      sync();
    });
  });

  // --- start -------------------------------------------------------------------------------------------------------
  // What the server says, or why it cannot be heard.
  async function hear() {
    try {
      return await Sync.state();
    } catch (error) {
      if (!(error instanceof Halt)) throw error;
      return null;
    }
  }

  async function start(said) {
    if (said) Dom.note(said, "orange");
    await Vault.open();
    if (Vault.stale()) { await Vault.wipe("stale"); Dom.note(texts.wiped.stale, "orange"); await Vault.open(); }
    const found = await hear();
    if (found && found.wipe && Vault.exists()) { await wiped(found.wipe); return; }
    find("[data-banner]").hidden = true;
    if (found && found.posting) await Sync.tellWiped().catch(() => {});
    if (!Vault.exists()) {
      show(found && found.posting ? "setup" : found && found.signed_in ? "duty" : "first");
      return;
    }
    let need = "";
    if (!Vault.hasShare()) {
      if (found && found.posting === Vault.meta().posting) {
        try {
          await Vault.giveShare(await Sync.open(Vault.meta().device, label()));
        } catch (error) {
          if (!(error instanceof Halt)) throw error;
          if (error.why === "wipe") { await wiped(error.data.why); return; }
          need = error.data.message || texts.need_network;
        }
      } else if (found && found.signed_in) need = texts.other_posting;
      else need = found ? texts.need_signin : Vault.clockBack() ? texts.clock_back : texts.need_network;
    } else if (found && found.posting === Vault.meta().posting) {
      // a day begins with the sign-in: the share may stay as long again
      await Sync.open(Vault.meta().device, label()).then(Vault.giveShare).catch(() => {});
    }
    askPin(need);
  }

  // `need`: why no PIN is taken now.
  function askPin(need) {
    const form = find("[data-unlock]");
    complain(form, need);
    find("button.pri", form).disabled = Boolean(need);
    find("[data-need-signin]").hidden = !need;
    show("unlock");
    if (!need) find("#pin").focus();
  }

  // The key leaves the memory and the words the page; `night`: the share leaves the phone and the session ends too.
  async function lock(night) {
    await VisitForm.close();
    Vault.lock();
    ["list", "done", "queue", "place", "said"].forEach((name) => each("[data-" + name + "]", (holder) => holder.replaceChildren()));
    find("[data-title]").textContent = document.title.split(" · ")[0];
    find("[data-banner]").hidden = find("[data-bar]").hidden = true;
    history.replaceState(null, "", body.dataset.root);
    if (night) {
      await Vault.dropShare();
      await Sync.signOut();
    }
    if (night || !Vault.hasShare()) { askPin(night ? texts.need_signin : texts.need_network); return; }
    askPin("");
  }

  function minutely() {
    if (Vault.exists() && Vault.expired()) Vault.dropShare();
    if (!Vault.unlocked()) return;
    if (Date.now() - touched > IDLE_MINUTES * MINUTE) lock();
    else if (!document.hidden && (left || Date.now() - Vault.meta().lastSync > SYNC_MINUTES * MINUTE)) sync();
  }

  function listen() {
    window.addEventListener("hashchange", route);
    window.addEventListener("online", sync);
    window.addEventListener("offline", () => { if (Vault.unlocked()) banner("offline"); });
    ["pointerdown", "keydown"].forEach((name) => document.addEventListener(name, () => { touched = Date.now(); }));
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) hiddenAt = Date.now();
      else if (Vault.unlocked() && Date.now() - hiddenAt > HIDDEN_MINUTES * MINUTE) lock();
      else minutely();
    });
    setInterval(minutely, MINUTE);
    document.addEventListener("change", (event) => { if (event.target.name === "when") renderList(); });
    each("[data-back]", (press) => press.addEventListener("click", () => { location.hash = "list"; }));
    each("[data-sync]", (press) => press.addEventListener("click", sync));
    each("[data-lock]", (press) => press.addEventListener("click", () => lock()));
    each("[data-evening]", (press) => press.addEventListener("click", () => lock(true)));
    each("[data-reload]", (press) => press.addEventListener("click", () => location.reload()));
    each("[data-signin], [data-banner-signin]", (link) => { link.href = login; });
    each("[data-clear]", (press) => press.addEventListener("click", async () => {
      const waiting = Vault.unlocked() ? left : await Vault.count("item:");
      if (window.confirm(waiting ? say("clear_queue", { count: waiting }) : texts.clear)) await wiped("own");
    }));
    Vault.wipedElsewhere(() => location.reload());
  }

  (async () => {
    find("[data-day]").textContent = Dom.weekday(new Date());
    if (!window.isSecureContext) { show("insecure"); return; }
    if (!Vault.usable()) { show("old"); return; }
    navigator.serviceWorker.register(body.dataset.root + "worker.js", { scope: body.dataset.root }).catch(() => {});
    listen();
    try {
      await start("");
      find("[data-day]").textContent = Dom.weekday(Vault.now());
    } catch (error) {
      show("old");
      throw error;
    }
  })();
})();
