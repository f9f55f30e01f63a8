"use strict";
// What the phone keeps, encrypted: AES-GCM under a key from the PIN (PBKDF2) and the server's share (HKDF). The key lives in memory only.
// In plain lie: the device's identifier, salt, moments, the number of wrong PINs, and until `shareUntil` the share.
const Vault = (() => {
  const ROUNDS = 600000, TRIES = 5, STALE_DAYS = 7, HOUR = 3600000, DAY = 24 * HOUR;
  const words = new TextEncoder(), read = new TextDecoder();
  // tells other windows of this phone, not this one
  const channel = window.BroadcastChannel ? new BroadcastChannel("doudi-visits") : null;
  let db = null, meta = null, key = null, share = null;

  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

  // One transaction; resolves with what `work` returned once all of it is on the disk.
  function within(stores, mode, work) {
    return new Promise((resolve, reject) => {
      const transaction = db.transaction(stores, mode, { durability: "strict" });
      let result;
      transaction.oncomplete = () => resolve(result);
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
      Promise.resolve(work(...stores.map((name) => transaction.objectStore(name)))).then((value) => { result = value; }, reject);
    });
  }

  function identifier() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  }

  const bytesOf = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));

  async function derive(pin, settings) {
    const base = await crypto.subtle.importKey("raw", words.encode(pin), "PBKDF2", false, ["deriveBits"]);
    const stretched = await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt: settings.salt, iterations: settings.rounds }, base, 256);
    const both = new Uint8Array(32 + share.length);
    both.set(new Uint8Array(stretched));
    both.set(share, 32);
    const material = await crypto.subtle.importKey("raw", both, "HKDF", false, ["deriveKey"]);
    const info = words.encode("doudi visits " + settings.device);
    return crypto.subtle.deriveKey({ name: "HKDF", hash: "SHA-256", salt: settings.salt, info }, material, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  }

  // The record's own name is bound to it, so that one cannot be put in the place of another.
  async function seal(id, bytes, by = key) {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    return { iv, data: await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: words.encode(id) }, by, bytes) };
  }
  const unseal = (id, box, by = key) => crypto.subtle.decrypt({ name: "AES-GCM", iv: box.iv, additionalData: words.encode(id) }, by, box.data);

  async function change(values) {
    meta = Object.assign({}, meta, values);
    await within(["meta"], "readwrite", (store) => { store.put(meta, "meta"); });
  }

  async function open() {
    const request = indexedDB.open("doudi-visits", 1);
    request.onupgradeneeded = () => { request.result.createObjectStore("meta"); request.result.createObjectStore("sealed"); };
    db = await done(request);
    db.onversionchange = () => db.close();
    meta = (await within(["meta"], "readonly", (store) => done(store.get("meta")))) || null;
    share = null;
    if (meta && meta.share) {
      if (meta.shareUntil > Date.now() && !clockBack()) share = meta.share;
      else await change({ share: null, shareUntil: 0 });
    }
  }

  const exists = () => Boolean(meta && meta.check);
  const clockBack = () => Boolean(meta && Date.now() < meta.seen - HOUR);
  const expired = () => Boolean(meta && meta.shareUntil && meta.shareUntil <= Date.now());
  const unsynced = () => (meta ? (Date.now() - meta.lastSync) / DAY : 0);
  const stale = () => exists() && unsynced() >= STALE_DAYS;

  // What the server gave for this posting: kept on the phone for `hours` to unlock without network, or in memory alone.
  async function giveShare(given) {
    share = bytesOf(given.share);
    const until = Date.now() + given.hours * HOUR;
    if (exists()) await change({ share: given.hours ? share : null, shareUntil: given.hours ? until : 0, seen: Date.now() });
    return until;
  }

  async function setUp(pin, device, given) {
    const until = await giveShare(given);
    const fresh = { device, posting: given.posting, salt: crypto.getRandomValues(new Uint8Array(16)), rounds: ROUNDS };
    key = await derive(pin, fresh);
    fresh.check = await seal("check", words.encode("doudi"), key);
    Object.assign(fresh, { tries: 0, lastSync: Date.now(), seen: Date.now(), offset: Date.parse(given.now) - Date.now() });
    Object.assign(fresh, given.hours ? { share, shareUntil: until } : { share: null, shareUntil: 0 });
    meta = null;
    await within(["sealed"], "readwrite", (store) => { store.clear(); });
    await change(fresh);
    if (navigator.storage && navigator.storage.persist) navigator.storage.persist();
  }

  // 0 when it opened, else how often it may still be tried, -1 when everything was wiped. The try is counted before it is made.
  async function unlock(pin) {
    const tries = await within(["meta"], "readwrite", async (store) => {
      meta = await done(store.get("meta"));
      meta.tries += 1;
      store.put(meta, "meta");
      return meta.tries;
    });
    const found = await derive(pin, meta);
    try {
      if (tries > TRIES) throw new Error("one try too many");
      await unseal("check", meta.check, found);
    } catch (error) {
      if (tries < TRIES) return TRIES - tries;
      await wipe("pin");
      return -1;
    }
    key = found;
    await change({ tries: 0, seen: Date.now() });
    return 0;
  }

  async function wipe(why) {
    const device = meta && meta.device;
    key = share = meta = null;
    await within(["meta", "sealed"], "readwrite", (first, second) => { first.clear(); second.clear(); });
    localStorage.setItem("doudi-visits-wiped", JSON.stringify({ device, why }));
    if (channel) channel.postMessage("wiped");
  }

  async function put(id, value) {
    const box = await seal(id, value instanceof Uint8Array ? value : words.encode(JSON.stringify(value)));
    await within(["sealed"], "readwrite", (store) => { store.put(box, id); });
  }
  async function bytes(id) {
    const box = await within(["sealed"], "readonly", (store) => done(store.get(id)));
    return box ? new Uint8Array(await unseal(id, box)) : null;
  }
  async function get(id) {
    const found = await bytes(id);
    return found ? JSON.parse(read.decode(found)) : null;
  }
  async function all(prefix) {
    const range = IDBKeyRange.bound(prefix, prefix + "\uffff");
    const [ids, boxes] = await within(["sealed"], "readonly", (store) => Promise.all([done(store.getAllKeys(range)), done(store.getAll(range))]));
    return Promise.all(boxes.map(async (box, at) => JSON.parse(read.decode(await unseal(ids[at], box)))));
  }
  const remove = (...ids) => within(["sealed"], "readwrite", (store) => { ids.forEach((id) => store.delete(id)); });
  const count = (prefix) => within(["sealed"], "readonly", (store) => done(store.count(IDBKeyRange.bound(prefix, prefix + "\uffff"))));

  return {
    open, exists, stale, unsynced, clockBack, giveShare, setUp, unlock, wipe, put, get, bytes, all, remove, count, identifier,
    usable: () => Boolean(window.indexedDB && window.crypto && crypto.subtle && navigator.serviceWorker && window.localStorage),
    hasShare: () => Boolean(share) && !expired(),
    lock: () => { key = null; },
    // The share leaves the phone: to open again takes network and a sign-in.
    dropShare: () => { share = null; return change({ share: null, shareUntil: 0 }); },
    expired,
    wipedElsewhere: (work) => { if (channel) channel.addEventListener("message", work); },
    unlocked: () => Boolean(key),
    meta: () => meta,
    synced: (now) => change({ lastSync: Date.now(), seen: Date.now(), offset: Date.parse(now) - Date.now() }),
    // The server's time as far as the phone knows it: phones' clocks are often wrong.
    now: () => new Date(Date.now() + ((meta && meta.offset) || 0)),
  };
})();
