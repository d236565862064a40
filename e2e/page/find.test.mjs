// One search of a page at a time (static/js/chat/search/find.js): the site refuses a second of the same
// person, and goes on with one that nobody waits for. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import test from "node:test";
import { findMessages } from "../../static/js/chat/search/find.js";

test("a search begins when the last is over, and one that was given up before never does", async (t) => {
  /** @type {{address: string, answer: () => void}[]} */
  const asked = [];
  t.mock.method(globalThis, "fetch", (/** @type {string} */ address) => new Promise((resolve) => {
    asked.push({ address, answer: () => resolve(Response.json({ messages: [], next: address })) });
  }));
  const gone = new AbortController();
  const first = findMessages({ q: "a" }, gone.signal);
  const second = findMessages({ q: "b" }, gone.signal);
  const third = findMessages({ q: "c" }, new AbortController().signal);
  await new Promise(setImmediate);
  assert.deepEqual(asked.map(({ address }) => address), ["/xmpp/search?q=a"]);
  gone.abort();
  asked[0]?.answer();
  await assert.rejects(first, { name: "AbortError" });
  await assert.rejects(second, { name: "AbortError" });
  await new Promise(setImmediate);
  assert.deepEqual(asked.map(({ address }) => address), ["/xmpp/search?q=a", "/xmpp/search?q=c"]);
  asked[1]?.answer();
  assert.equal((await third).next, "/xmpp/search?q=c");
});

test("one that failed holds up no other", async (t) => {
  t.mock.method(globalThis, "fetch", async (/** @type {string} */ address) => (address.endsWith("a") ? new Response("", { status: 500 }) : Response.json({ messages: [] })));
  const { signal } = new AbortController();
  await assert.rejects(findMessages({ q: "a" }, signal), /did not work/);
  assert.deepEqual(await findMessages({ q: "b" }, signal), { messages: [] });
});
