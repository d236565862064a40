// What comes at once, in the service worker and to who shares. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "./support.mjs";

/** One at a time has a lock. */
function locks() {
  let last = Promise.resolve();
  return { request: (_name, act) => (last = last.then(act)) };
}

test("two messages of one conversation that are pushed at once are counted as two", async () => {
  /** @type {any[]} */
  const shown = [];
  const heard = {};
  const registration = {
    getNotifications: async () => (await settle(), shown.slice(-1)),
    showNotification: async (title, how) => void (await settle(), shown.splice(0, 1, { title, ...how })),
  };
  globalThis.self = /** @type {any} */ ({ addEventListener: (name, listener) => (heard[name] = listener), registration, caches: {}, location: { href: "http://h/sw.js" } });
  Object.defineProperty(globalThis, "navigator", { value: { locks: locks() }, configurable: true });
  globalThis.location = /** @type {any} */ ({ origin: "http://h", href: "http://h/sw.js", search: "" });
  await import("../../static/js/sw.js");
  const ends = [];
  const push = (id) => heard["push"]({ data: { json: () => ({ id, tag: "bob@h", title: "Bob", text: `Message ${id}`, url: "/chat", time: 0 }) }, waitUntil: (end) => ends.push(end) });
  push("1");
  push("2");
  await Promise.all(ends);
  assert.equal(shown.length, 1);
  assert.equal(shown[0].data.count, 2);
  assert.match(shown[0].body, /Message 2\n2 new messages/);
});
