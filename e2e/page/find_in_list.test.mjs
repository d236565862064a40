// The field above the list of conversations. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model, onClock, pass, settle } from "./support.mjs";

/** An element of the page, with as much of one as the list needs. */
const element = () => Object.assign(new EventTarget(), { style: {}, dataset: {}, append() {}, setAttribute() {}, querySelectorAll: () => [], children: [], textContent: "", value: "" });
const elements = {};
globalThis.document = Object.assign(new EventTarget(), {
  body: { dataset: {} }, documentElement: {}, createElement: element, querySelectorAll: () => [], querySelector: () => null,
  getElementById: (id) => (elements[id] ??= element()),
});
globalThis.CustomEvent ??= class extends Event {
  constructor(name, { detail } = {}) {
    super(name);
    this.detail = detail;
  }
};
globalThis.ResizeObserver ??= class {
  observe() {}
};
Object.assign(globalThis, { window: new EventTarget(), requestAnimationFrame: (draw) => setTimeout(draw), getComputedStyle: () => ({ getPropertyValue: () => "" }), setInterval() {}, location: { pathname: "/", search: "", href: "/" } });
const { listConversations } = await import("../../static/js/chat/list/list.js");

/** The list of a page of its own, with what the site told first. */
function list(first = Promise.resolve(null), models = []) {
  for (const id of Object.keys(elements)) delete elements[id];
  const settings = new Map([["nickname", "Alice Adler"]]);
  const api = { ...listeners(), settings, waitUntil: () => new Promise(() => {}), connection: { connected: () => false } };
  listConversations({ api, state: { chatboxes: Object.assign(new Model(), { models }) } }, { countsUnread: true, domain: "h", roomsDomain: "rooms.h" }, {}, first);
  return elements["conversations-find"];
}

test("an answer that comes late is not that of what is looked for by now", async (t) => {
  onClock(t);
  const asked = {};
  globalThis.fetch = (path) => new Promise((resolve) => {
    const found = (...jids) => resolve({ ok: true, json: async () => ({ conversations: jids.map((jid) => ({ jid, name: jid, room: false })) }) });
    asked[new URL(path, "http://h").searchParams.get("q")] = found;
  });
  const field = list();
  const type = async (typed) => {
    field.value = typed;
    field.dispatchEvent(new Event("input"));
    await pass(t, 250);
  };
  const found = async (typed, ...jids) => {
    asked[typed](...jids);
    await settle();
    await pass(t, 50);
    return elements["conversations-count"].textContent;
  };
  await type("bo");
  await type("bob");
  assert.equal(await found("bob", "bob@h"), "1 person or room found.");
  assert.equal(await found("bo", "bob@h", "bo@h", "border@h"), "1 person or room found.");
});

test("the list goes on at its end once the site tells again what is there, and asks ever more seldom until it does", async (t) => {
  onClock(t);
  t.mock.method(console, "warn", () => {});
  let status = 503;
  const asked = [];
  globalThis.fetch = async (path) => {
    asked.push(path);
    const conversations = [{ jid: "bob@h", name: "Bob", room: false }];
    return { ok: status === 200, status, headers: new Headers(), json: async () => ({ conversations, more: false }) };
  };
  list(Promise.resolve({ told: new Map(), more: true, tag: "" }));
  await pass(t, 200);
  assert.deepEqual(asked.splice(0), ["/xmpp/conversations?further=100"]);
  await pass(t, 180_000, 1000);
  const again = asked.splice(0);
  assert.deepEqual([...new Set(again)], ["/xmpp/conversations?further=100"]);
  assert.ok(again.length > 4 && again.length < 16, `${again.length} times in three minutes`);
  status = 200;
  await pass(t, 31_000, 1000);
  assert.equal(asked.splice(0).length, 1);
  assert.equal(elements["conversations-empty"].hidden, true);
  await pass(t, 60_000, 1000);
  assert.deepEqual(asked, []);
});
