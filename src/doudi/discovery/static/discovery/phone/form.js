"use strict";
// The form at the door: filled from a household of the list, from its draft, or from a record that was sent back. Every change is kept at once,
// so that a call, the camera or an empty battery loses nothing.
const VisitForm = (() => {
  const { find, make, tag, icon, say } = Dom;
  const form = find("[data-visit]");
  const MOST_PHOTOS = 6, NAMES = ["met", "living", "health", "income"], WORDS = ["note", "witness", "next_on", "medicine_days"];
  let subject = null, photos = [], writing = Promise.resolve(), later = 0, after = () => {};

  const chosen = (name) => (form.querySelector("[name=" + name + "]:checked") || {}).value || "";
  const draftId = () => "draft:" + (subject.uuid || subject.key);

  function read() {
    const found = { photos, signature: form.elements.signature.value, verified: form.elements.verified.checked };
    NAMES.forEach((name) => { found[name] = chosen(name); });
    WORDS.forEach((name) => { found[name] = form.elements[name].value; });
    found.needs = Array.from(form.querySelectorAll("[name=needs]:checked"), (box) => box.value);
    return found;
  }

  function write(values) {
    form.reset();
    form.doudiVisit.clear();
    photos = values.photos || [];
    form.elements.signature.value = values.signature || "";
    form.elements.verified.checked = Boolean(values.verified);
    NAMES.forEach((name) => form.querySelectorAll("[name=" + name + "]").forEach((box) => { box.checked = box.value === (values[name] || ""); }));
    WORDS.forEach((name) => { form.elements[name].value = values[name] === null || values[name] === undefined ? "" : values[name]; });
    form.querySelectorAll("[name=needs]").forEach((box) => { box.checked = (values.needs || []).includes(box.value); });
    form.doudiVisit.follow();
    if (values.signature) redraw(values.signature);
  }

  function redraw(url) {
    const canvas = find("[data-sign]", form), picture = new Image();
    picture.onload = () => canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.src = url;
  }

  function keep() {
    if (!subject) return;
    const id = draftId(), values = read();
    writing = writing.then(() => Vault.put(id, values)).catch(() => Dom.note(Dom.texts.full, "red"));
  }

  function about(item) {
    const words = [item.age === null ? "" : say("years", { age: item.age }), item.size ? say("people", { size: item.size }) : ""].filter(Boolean).join("　");
    const tags = make("span", "tgs", ...item.why.map(([text, colour]) => tag(text, colour)));
    const rows = [make("p", "", make("b", "big", item.name), words ? "　" + words : ""), make("p", "", icon("map-pin"), " ", item.address || Dom.texts.no_address)];
    [item.groups, item.reason, item.lead_reason, item.last && say("last", { day: item.last[0], words: item.last[1] })].forEach((text) => { if (text) rows.push(make("p", "mut", text)); });
    find("[data-about]", form).replaceChildren(...rows, tags);
  }

  async function showPhotos() {
    const holder = find("[data-photos]", form);
    holder.querySelectorAll("figure").forEach((each) => { URL.revokeObjectURL(each.firstChild.src); each.remove(); });
    const figures = [];
    for (const photo of photos.filter((each) => !each.signature)) {
      const picture = make("img"), bytes = await Vault.bytes("photo:" + photo.id);
      if (bytes) picture.src = Photos.shown(bytes);
      picture.alt = photo.message || "";
      figures.push(make("figure", "", picture, photo.message ? make("small", "err", photo.message) : "", Dom.button(Dom.texts.drop_photo, "sm", async () => {
        photos = photos.filter((each) => each.id !== photo.id);
        await Vault.remove("photo:" + photo.id);
        keep();
        showPhotos();
      })));
    }
    holder.prepend(...figures);
    find("[data-photo-count]", form).textContent = figures.length ? say("photos", { count: figures.length }) : "";
  }

  function fault(holder, words) {
    const made = make("span", "err", words);
    made.setAttribute("role", "alert");
    made.dataset.fault = "1";
    holder.append(made);
    return made;
  }
  const clearFaults = () => form.querySelectorAll("[data-fault]").forEach((each) => each.remove());

  function showErrors(errors) {
    clearFaults();
    Object.entries(errors).forEach(([name, words]) => {
      const field = form.querySelector("[name=" + CSS.escape(name || "none") + "]");
      fault(field ? field.closest(".f") : find("[data-about]", form), [].concat(words).join("；"));
    });
    const first = form.querySelector("[data-fault]");
    if (first) first.scrollIntoView({ block: "center" });
  }

  // What the server would refuse anyway, said while the visitor still stands at the door.
  function faults(values) {
    const found = {}, inside = values.met === "self" || values.met === "family";
    if (!values.met) found.met = Dom.texts.met;
    if (inside && !values.living) found.living = Dom.texts.living;
    if (values.medicine_days !== "" && !(Number.isInteger(Number(values.medicine_days)) && values.medicine_days >= 0 && values.medicine_days <= 366)) found.medicine_days = Dom.texts.medicine;
    return found;
  }

  async function enqueue(values) {
    const outside = values.met === "absent" || values.met === "unreachable";
    const item = {
      uuid: subject.uuid || Vault.identifier(), key: subject.key, visit: subject.visit, household: subject.household, version: subject.version, lead: subject.lead,
      subject: Object.assign({}, subject, { uuid: undefined }), at: new Date().toISOString(), done_at: subject.done_at || Vault.now().toISOString(), verified: values.verified,
      result: {
        met: values.met, living: values.living, needs: values.needs, health: values.health, income: values.income, note: values.note, witness: values.witness,
        medicine_days: values.medicine_days === "" ? null : Number(values.medicine_days), next_on: outside && values.next_on ? values.next_on : null,
      },
      photos: values.photos.filter((photo) => !photo.signature), signature: values.signature, state: "waiting", message: "", errors: {},
    };
    if (values.signature) {
      const photo = { id: Vault.identifier(), signature: true, state: "waiting", message: "", size: 0 }, bytes = Photos.fromDataUrl(values.signature);
      photo.size = bytes.length;
      await Vault.put("photo:" + photo.id, bytes);
      item.photos.push(photo);
    }
    item.photos.forEach((photo) => { if (photo.state === "refused") Object.assign(photo, { state: "waiting", message: "" }); });
    await Vault.put("item:" + item.uuid, item);
    await writing;
    await Vault.remove(draftId());
  }

  // `item`: a household of the list; `refused`: the record of the queue that is mended.
  async function open(item, refused, done) {
    after = done;
    subject = Object.assign({}, item, refused ? { uuid: refused.uuid, done_at: refused.done_at } : {});
    const draft = await Vault.get(draftId());
    const sentBack = refused && Object.assign({}, refused.result, { photos: refused.photos, signature: refused.signature, verified: refused.verified });
    about(item);
    find("[data-verify]", form).hidden = !item.lead;
    form.hidden = false;
    write(draft || sentBack || {});
    showErrors(refused ? refused.errors : {});
    find("[data-photo-error]", form).hidden = true;
    await showPhotos();
  }

  async function close() {
    if (!subject) return;
    clearTimeout(later);
    await writing;
    subject = null;
    photos = [];
    form.reset();
    form.doudiVisit.clear();
    find("[data-about]", form).replaceChildren();
    await showPhotos();
  }

  form.addEventListener("change", (event) => {
    if (event.target.matches("[data-camera]")) return;
    const mended = event.target !== form && event.target.closest(".f");
    if (mended) mended.querySelectorAll("[data-fault]").forEach((each) => each.remove());
    keep();
  });
  form.addEventListener("input", () => { clearTimeout(later); later = setTimeout(keep, 600); });
  form.addEventListener("change", async (event) => {
    if (!event.target.matches("[data-camera]")) return;
    const said = find("[data-photo-error]", form);
    said.hidden = true;
    for (const file of Array.from(event.target.files)) {
      const bad = (words) => { said.textContent = words; said.hidden = false; };
      if (photos.filter((each) => !each.signature).length >= MOST_PHOTOS) { bad(Dom.texts.photo_most); break; }
      try {
        const bytes = await Photos.smaller(file), photo = { id: Vault.identifier(), signature: false, state: "waiting", message: "", size: bytes.length };
        await Vault.put("photo:" + photo.id, bytes);
        photos = photos.concat(photo);
        keep();
      } catch (error) {
        bad(error && error.name === "QuotaExceededError" ? Dom.texts.full : Dom.texts.photo_bad);
      }
    }
    event.target.value = "";
    showPhotos();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const values = read(), found = faults(values);
    clearFaults();
    if (Object.keys(found).length) { showErrors(found); return; }
    if (form.dataset.busy) return;
    form.dataset.busy = "1";
    try {
      await enqueue(values);
      after();
    } catch (error) {
      Dom.note(Dom.texts.full, "red");
    } finally {
      delete form.dataset.busy;
    }
  });

  return { open, close };
})();
