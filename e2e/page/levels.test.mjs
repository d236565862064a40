// Of which messages somebody wants to be told. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "./support.mjs";

globalThis.document = Object.assign(new EventTarget(), { querySelectorAll: () => [] });
globalThis.CustomEvent ??= class extends Event {};
const { levels } = await import("../../static/js/chat/unread/levels.js");

test("a level that is chosen while the list is under way stays, and so does what else the list says", async () => {
  const at = { "a@rooms.h": "mentions", "b@rooms.h": "all" };
  const answers = [];
  globalThis.fetch = (url, { method, body }) => {
    if (method === "POST") {
      const { jid, level } = JSON.parse(body);
      at[jid] = level;
      return Promise.resolve({ ok: true });
    }
    const told = Object.entries(at).map(([jid, level]) => ({ jid, level, pinned: false }));
    const settings = { conversations: told, sound: false, quietFrom: null, quietUntil: null, zone: "UTC" };
    return new Promise((resolve) => answers.push(() => resolve({ ok: true, json: async () => settings })));
  };
  levels.follow();
  await levels.choose("a@rooms.h", "none");
  assert.equal(levels.of("a@rooms.h", true), "none");
  for (const answer of answers.toReversed()) { // the first comes last
    answer();
    await settle();
    assert.equal(levels.of("a@rooms.h", true), "none");
  }
  assert.equal(levels.of("b@rooms.h", true), "all");
});

test("of two that are chosen right after each other the second stays, however long the first takes", async () => {
  const taken = [];
  const waiting = [];
  globalThis.fetch = (url, { method, body }) => {
    if (method !== "POST") return Promise.resolve({ ok: false, status: 503 });
    return new Promise((resolve) => waiting.push((ok) => (taken.push(JSON.parse(body).level), resolve({ ok }))));
  };
  globalThis.console.warn = () => {};
  const chosen = ["all", "none", "mentions"].map((level) => levels.choose("a@rooms.h", level).catch(() => "not saved"));
  for (const ok of [true, false, true]) {
    await settle();
    assert.equal(waiting.length, 1);
    waiting.pop()(ok);
  }
  assert.deepEqual(await Promise.all(chosen), [undefined, "not saved", undefined]);
  assert.deepEqual(taken, ["all", "none", "mentions"]);
});

test("a list that is asked for again, and does not come then, is taken from before", async () => {
  globalThis.console.warn = () => {};
  const answers = [];
  globalThis.fetch = () => new Promise((resolve) => answers.push(resolve));
  const settings = { conversations: [{ jid: "c@rooms.h", level: "none", pinned: false }], sound: false, quietFrom: null, quietUntil: null, zone: "UTC" };
  document.dispatchEvent(Object.assign(new Event("foyer:page"), { detail: {} }));
  document.dispatchEvent(Object.assign(new Event("foyer:page"), { detail: {} }));
  answers[1]({ ok: false, status: 503 });
  await settle();
  answers[0]({ ok: true, json: async () => settings });
  await settle();
  assert.equal(levels.of("c@rooms.h", true), "none");
});
