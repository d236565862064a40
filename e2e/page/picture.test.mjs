// The picture that is chosen in the settings. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "./support.mjs";

const place = { dataset: { picture: "256" }, avatar: /** @type {any} */ (null), note: { hidden: true, textContent: "", dataset: { pictureNote: "As others will see it." } }, querySelector: (what) => (what === ".avatar" ? place.avatar : place.note) };
const picture = (name) => ({ name, replaceWith: (other) => (place.avatar = other), getContext: () => ({ drawImage() {} }), toBlob: (done) => done(new Blob(["small"])) });
globalThis.HTMLInputElement = /** @type {any} */ (class {
  closest = () => place;
});
globalThis.document = /** @type {any} */ (Object.assign(new EventTarget(), { createElement: () => picture("shown") }));
globalThis.requestAnimationFrame = (act) => (act(0), 0);
globalThis.DataTransfer = /** @type {any} */ (class {
  files = /** @type {File[]} */ ([]);
  items = { add: (file) => this.files.push(file) };
});
globalThis.createImageBitmap = /** @type {any} */ (async (file) => {
  if (file.name === "broken.heic") throw new Error("no picture");
  return { width: 4, height: 3, close() {} };
});
await import("../../static/js/picture.js");

test("what is shown is what is sent, and with no picture of it the one that is saved", async () => {
  place.avatar = picture("saved");
  const input = Object.assign(/** @type {any} */ (new HTMLInputElement()), { files: [] });
  const change = new Event("change");
  Object.defineProperty(change, "target", { value: input });
  const choose = async (...files) => {
    input.files = files;
    document.dispatchEvent(change);
    await settle();
    return [place.avatar.name, place.note.hidden, place.note.textContent, input.files[0]?.size];
  };
  const [tree, broken] = [new File(["a large picture"], "tree.png", { type: "image/png" }), new File(["broken"], "broken.heic")];
  assert.deepEqual(await choose(tree), ["shown", false, "As others will see it.", 5]);
  assert.deepEqual(await choose(broken), ["saved", true, "", 6]);
  assert.deepEqual(await choose(tree), ["shown", false, "As others will see it.", 5]);
  assert.deepEqual(await choose(), ["saved", true, "", undefined]); // as browsers have it that take away what was chosen where the choice is cancelled
});
