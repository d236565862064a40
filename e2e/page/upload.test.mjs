// A file on its way. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Model, onClock, pass, settle } from "./support.mjs";

globalThis.document ??= new EventTarget();
const { Queue } = await import("../../static/js/chat/composer/queue.js");

/** A conversation whose server says nothing when a place for a file is asked for: Strophe forgot who waits for the answer. */
function conversation() {
  globalThis.window = { converse: { env: { stx: () => ({}), u: { getUniqueId: (name) => name } } } };
  globalThis.Element ??= class {};
  const said = [];
  const chat = Object.assign(new Model(), { sendMessage: async ({ body }) => said.push(body) });
  const api = {
    connection: { connected: () => true, authenticated: () => false, reconnect() {} },
    disco: { features: { get: async () => [{ id: "upload.h", dataforms: { models: [] } }] } },
    hook: async (name, context, value) => value,
    sendIQ: () => new Promise(() => {}),
  };
  return { queue: new Queue({ api, session: new Model({ domain: "h" }) }, chat), said };
}

const file = { name: "plan.pdf", type: "application/pdf", size: 12 };

test("a file that nobody gave a place is not on its way for ever, and what comes after it is sent", async (t) => {
  onClock(t);
  const { queue, said } = conversation();
  queue.choose([file]);
  queue.send("And the text");
  await pass(t, 31_000, 1000);
  assert.deepEqual(queue.items.map(({ state }) => state), ["failed", "waiting"]);
  queue.remove(queue.items[0]);
  await settle();
  assert.deepEqual(said, ["And the text"]);
});

test("nor is one that is taken away meanwhile in anybody's way", async (t) => {
  onClock(t);
  const { queue, said } = conversation();
  queue.choose([file]);
  queue.send("And the text");
  await settle();
  queue.remove(queue.items[0]);
  await settle();
  assert.deepEqual(said, ["And the text"]);
});
