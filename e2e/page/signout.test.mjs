// Signing out. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "./support.mjs";

globalThis.sessionStorage = /** @type {any} */ ({ removeItem() {} });
globalThis.window = /** @type {any} */ (globalThis);
globalThis.caches = /** @type {any} */ ({ delete: async () => true });
const body = { dataset: {}, append: (form) => (form.isConnected = true) };
globalThis.document = /** @type {any} */ (Object.assign(new EventTarget(), { body, title: "Foyer", querySelector: () => null, querySelectorAll: () => [] }));
Object.defineProperty(globalThis, "navigator", { value: { onLine: true }, configurable: true });
const { handleSignOut } = await import("../../static/js/chat/signin/signout.js");

test("who goes to another page while they sign out is signed out", async () => {
  const guard = { config: { trusted: true, jid: "alice@h" }, close() {} };
  /** @type {() => void} */
  let delivered = () => {};
  const outbox = { empty: () => new Promise((resolve) => (delivered = () => resolve(undefined))), forget() {} };
  handleSignOut({ api: { user: { logout: async () => {} } } }, guard, outbox);
  const sent = [];
  const form = { matches: () => true, isConnected: true, submit: () => sent.push(form.isConnected) };
  const event = Object.defineProperty(new Event("submit", { cancelable: true }), "target", { value: form });
  document.dispatchEvent(event);
  await settle();
  form.isConnected = false; // its header was replaced
  delivered();
  while (sent.length === 0) await settle();
  assert.deepEqual(sent, [true], "a form that is on no page goes nowhere");
});
