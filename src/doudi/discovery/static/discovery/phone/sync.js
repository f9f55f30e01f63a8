"use strict";
// Between the phone and the server: the queue goes up record by record, photos after theirs, then the list comes down.
// What stops everything is thrown as Halt: offline, signin, elsewhere, duty, slower, trouble, wipe. A bad record stops nothing but itself.
class Halt extends Error {
  constructor(why, data = {}) { super(why); this.why = why; this.data = data; }
}

const Sync = (() => {
  const root = document.body.dataset.root;
  const FINAL = { invalid: 1, gone: 1, taken: 1, large: 1 };
  let token = "", running = null;

  async function ask(path, options, seconds) {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), seconds * 1000);
    try {
      const answer = await fetch(root + path, Object.assign({ credentials: "same-origin", redirect: "manual", cache: "no-store", signal: stop.signal }, options));
      if (answer.type === "opaqueredirect") throw new Halt("signin");
      const json = (answer.headers.get("Content-Type") || "").startsWith("application/json");
      return { status: answer.status, data: json ? await answer.json() : null };
    } catch (error) {
      if (error instanceof Halt) throw error;
      throw new Halt("offline");
    } finally {
      clearTimeout(timer);
    }
  }

  // Who is signed in and what the server knows of this phone; anybody may ask.
  async function state() {
    const meta = Vault.meta();
    const answer = await ask("state/" + (meta && meta.device ? "?device=" + meta.device : ""), {}, 15);
    if (!answer.data) throw new Halt("trouble");
    token = answer.data.token;
    return answer.data;
  }

  async function call(path, body, again = true) {
    const form = body instanceof FormData;
    const headers = Object.assign({ "X-CSRFToken": token }, form ? {} : { "Content-Type": "application/json" });
    const answer = await ask(path, { method: "POST", headers, body: form ? body : JSON.stringify(body) }, form ? 120 : 45);
    if (answer.status === 200 && answer.data) return answer.data;
    if (answer.status === 403 && !answer.data && again) {  // a new sign-in has a new token
      await state();
      return call(path, body, false);
    }
    const code = (answer.data && answer.data.code) || "trouble";
    throw new Halt(answer.status >= 500 || !answer.data ? "trouble" : code, answer.data || {});
  }

  const open = (device, label) => call("open/", { device, label });
  const pending = (item) => item.state === "waiting" || item.photos.some((photo) => photo.state === "waiting");
  const save = (item) => Vault.put("item:" + item.uuid, item);

  async function pushRecord(item, waiting) {
    try {
      const made = await call("record/", {
        device: Vault.meta().device, waiting, uuid: item.uuid, visit: item.visit, household: item.household, version: item.version, lead: item.lead,
        done_at: item.done_at, verified: item.verified, result: item.result,
      });
      Object.assign(item, { state: made.outcome === "conflict" ? "conflict" : "sent", known: made.outcome === "known", found: made.lead, message: "", errors: {} });
    } catch (error) {
      if (!(error instanceof Halt) || !(error.why in FINAL)) throw error;
      Object.assign(item, { state: "refused", message: error.data.message, errors: error.data.errors || {} });
    }
    await save(item);
  }

  async function pushPhoto(item, photo) {
    const bytes = await Vault.bytes("photo:" + photo.id);
    const body = new FormData();
    Object.entries({ device: Vault.meta().device, uuid: item.uuid, photo_uuid: photo.id, signature: photo.signature ? "1" : "0" }).forEach(([name, value]) => body.append(name, value));
    body.append("photo", new Blob([bytes || new Uint8Array()], { type: photo.signature ? "image/png" : "image/jpeg" }), photo.signature ? "signature.png" : "photo.jpg");
    try {
      await call("photo/", body);
      Object.assign(photo, { state: "sent", message: "" });
    } catch (error) {
      if (!(error instanceof Halt) || !(error.why in FINAL)) throw error;
      Object.assign(photo, { state: "refused", message: error.data.message });
    }
    await save(item);
    if (photo.state === "sent") await Vault.remove("photo:" + photo.id);
  }

  async function pushAll(items) {
    let left = items.filter(pending).length;
    for (const item of items.filter(pending)) {
      try {
        if (item.state === "waiting") await pushRecord(item, left);
        if (item.state === "sent" || item.state === "conflict") {
          for (const photo of item.photos) if (photo.state === "waiting") await pushPhoto(item, photo);
        }
        if (!pending(item)) left -= 1;
      } catch (error) {
        if (!(error instanceof Halt) || error.why !== "trouble") throw error;
        item.trouble = true;  // the server failed on this one: it waits, the others go on
        await save(item);
      }
    }
    return left;
  }

  async function pull(waiting) {
    const list = (await Vault.get("list")) || { items: {} };
    const have = {};
    Object.values(list.items).forEach((item) => { have[item.key] = item.digest; });
    const news = await call("list/", { device: Vault.meta().device, have, waiting });
    news.gone.forEach((key) => { delete list.items[key]; });
    news.items.forEach((item) => { list.items[item.key] = item; });
    Object.assign(list, { place: news.place, elsewhere: news.elsewhere });
    await Vault.put("list", list);
    await Vault.synced(news.now);
  }

  async function go() {
    const found = await state();
    if (found.wipe) throw new Halt("wipe", { why: found.wipe });
    if (!found.signed_in) throw new Halt("signin");
    if (found.posting !== Vault.meta().posting) throw new Halt("elsewhere");
    const items = (await Vault.all("item:")).sort((one, other) => (one.at < other.at ? -1 : 1));
    await pull(await pushAll(items));
    const today = Dom.day(Vault.now());
    const old = items.filter((item) => !pending(item) && item.state !== "refused" && item.photos.every((photo) => photo.state === "sent") && Dom.day(new Date(item.at)) < today);
    if (old.length) await Vault.remove(...old.map((item) => "item:" + item.uuid));
  }

  // One run at a time, in whatever window of this phone.
  function run() {
    if (!running) {
      const once = navigator.locks ? navigator.locks.request("doudi-visits", { ifAvailable: true }, (lock) => (lock ? go() : null)) : go();
      running = once.finally(() => { running = null; });
    }
    return running;
  }

  // Says to the server that this phone wiped itself, so that its share is destroyed; tried again at every start until it was heard.
  async function tellWiped() {
    const told = JSON.parse(localStorage.getItem("doudi-visits-wiped") || "null");
    if (!told || !told.device || told.told) return;
    await call("wiped/", { device: told.device, why: told.why });
    localStorage.setItem("doudi-visits-wiped", JSON.stringify(Object.assign(told, { told: true })));
  }

  // Ends the session where there is network; without, it ends by itself within hours.
  const signOut = () => fetch(document.body.dataset.logout, { method: "POST", headers: { "X-CSRFToken": token }, redirect: "manual" }).catch(() => {});

  return { signOut, state, open, run, pending, save, tellWiped };
})();
