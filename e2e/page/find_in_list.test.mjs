// The field above the list of conversations. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model, onClock, pass, settle } from "./support.mjs";

/** An element of the page, with as much of one as the list needs. */
const element = () => Object.assign(new EventTarget(), { style: {}, dataset: {}, append() {}, setAttribute() {}, querySelector: () => null, querySelectorAll: () => [], contains: () => false, focus() {}, replaceChildren(text) {
  this.textContent = text;
}, children: [], textContent: "", value: "" });
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
globalThis.MutationObserver ??= /** @type {any} */ (class {
  observe() {}
  disconnect() {}
});
globalThis.ResizeObserver ??= class {
  observe() {}
};
Object.assign(globalThis, { window: new EventTarget(), requestAnimationFrame: (draw) => setTimeout(draw), getComputedStyle: () => ({ getPropertyValue: () => "" }), setInterval() {}, location: { pathname: "/", search: "", href: "/" } });
const { listConversations } = await import("../../static/js/chat/list/list.js");

/** Whom the list opened. @type {string[]} */
const opened = [];

/** The list of a page of its own, with what the site told first. */
function list(first = Promise.resolve(null), models = []) {
  for (const id of Object.keys(elements)) delete elements[id];
  const settings = new Map([["nickname", "Alice Adler"]]);
  const api = { ...listeners(), settings, chats: { open: async (jid) => opened.push(jid) }, waitUntil: () => new Promise(() => {}), connection: { connected: () => false } };
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
    const conversations = [{ jid: "bob@h", name: "Bob", room: false, last: { at: "2026-03-01T10:00:00.000Z", text: "Hello" } }];
    return { ok: status === 200, status, headers: new Headers(), json: async () => ({ conversations, more: false }) };
  };
  list(Promise.resolve({ conversations: new Map(), more: true, tag: "" }));
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

test("Enter opens who is meant where the site does not say or takes long, and says why where nobody can be sure whom", async (t) => {
  onClock(t);
  const people = ["Bob", "Bobby", "Carol"].map((name) => ({ jid: `${name.toLowerCase()}@h`, name, room: false, unread: 0 }));
  const first = () => Promise.resolve({ conversations: new Map(people.map((each) => [each.jid, each])), more: false, tag: "" });
  globalThis.CSS = /** @type {any} */ ({ escape: String });
  const field = list(first());
  document.getElementById("chat").dataset.state = "open";
  await pass(t, 100);
  /** What is opened by typing, and Enter at once, and what is said. */
  const enter = async (typed, ms) => {
    await pass(t, 30_000, 1000); // nothing of before is under way
    field.value = typed;
    field.dispatchEvent(new Event("input"));
    const key = Object.assign(new Event("keydown", { cancelable: true }), { key: "Enter" });
    elements.conversations.dispatchEvent(Object.defineProperty(key, "target", { value: field }));
    await pass(t, ms);
    return [opened.splice(0), elements["chat-notice"]?.hidden === false ? elements["chat-notice"].textContent : ""];
  };
  const failed = "The search did not work. Please try again.";
  for (const onLine of [true, false]) {
    Object.assign(navigator, { onLine });
    globalThis.fetch = async () => Promise.reject(new TypeError("Failed to fetch"));
    assert.deepEqual(await enter("bob", 300), [["bob@h"], ""], "it is the whole name");
    assert.deepEqual(await enter("caro", 300), [["carol@h"], ""], "there is no other");
    assert.deepEqual(await enter("bo", 300), [[], failed], "it may be either");
    assert.deepEqual(await enter("dave", 300), [[], failed], "who is not listed");
    assert.equal(field.value, "dave");
  }
  Object.assign(navigator, { onLine: true });
  globalThis.fetch = () => new Promise(() => {});
  assert.deepEqual(await enter("bo", 2000), [[], failed], "the site may say more");
  assert.deepEqual(await enter("bob", 600), [[], failed]);
  await pass(t, 1000);
  assert.deepEqual(opened.splice(0), ["bob@h"]);
  await pass(t, 11_000, 1000);
  assert.deepEqual(opened, []);
});
