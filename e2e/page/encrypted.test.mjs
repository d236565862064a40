// When keys are made. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "./support.mjs";
import { makeKeysLater } from "../../static/js/chat/encrypted.js";

test("keys are made when the list of people is there", async () => {
  let list;
  const events = { rosterContactsFetched: new Promise((resolve) => (list = resolve)) };
  let idle;
  globalThis.window = { requestIdleCallback: (callback) => (idle = callback) };
  let made = 0;
  const session = { restore: async () => made++ };
  makeKeysLater({ api: { omemo: { session }, waitUntil: (name) => events[name] } });
  void session.restore();
  await settle();
  assert.equal(made, 0);
  list();
  await settle();
  assert.equal(made, 0); // the browser has something to do
  idle();
  await settle();
  assert.equal(made, 1);
});
