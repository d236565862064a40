// What is shared from another app. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Model, settle } from "./support.mjs";

const bars = [];
const conversations = { prepend: (bar) => bars.push(bar) };
const made = () => Object.assign(new EventTarget(), { dataset: {}, append(...parts) { this.parts = parts; }, remove() {} });
globalThis.document = /** @type {any} */ (Object.assign(new EventTarget(), { body: { dataset: { page: "chat" } }, createElement: made, getElementById: () => conversations }));
globalThis.window = /** @type {any} */ (globalThis);
globalThis.location = /** @type {any} */ ({ pathname: "/chat" });
globalThis.requestAnimationFrame = /** @type {any} */ (setImmediate);
globalThis.CSS ??= /** @type {any} */ ({ escape: String });
globalThis.CustomEvent ??= class extends Event {};
const { share } = await import("../../static/js/chat/share/share.js");

test("what is shared while somebody still chooses for something else is asked for by itself", async () => {
  let kept = /** @type {any} */ ({ text: "first", files: [], left: 0, time: Date.now() - 1000 });
  globalThis.caches = /** @type {any} */ ({ match: async () => kept && { json: async () => kept }, delete: async () => void (kept = null) });
  const said = [];
  const textarea = { setRangeText: (text) => said.push(text), dispatchEvent() {}, focus() {} };
  document.querySelector = /** @type {any} */ (() => textarea);
  const shared = share({ state: { chatboxes: new Map([["bob@h", new Model()]]) } }, { domain: "h", roomsDomain: "rooms.h" });
  await settle();
  kept = { text: "second", files: [], left: 0, time: Date.now() };
  location.pathname = "/chat/with/bob";
  document.dispatchEvent(new Event("foyer:conversation"));
  while (bars.length < 2) await settle();
  assert.deepEqual(said, [], "nobody chose for the second");
  document.dispatchEvent(new Event("foyer:conversation"));
  await shared;
  assert.deepEqual([said, kept], [["second"], null]);
});
