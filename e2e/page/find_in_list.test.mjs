// The field above the list of conversations. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model, onClock, pass, settle } from "./support.mjs";

/** An element of the page, with as much of one as the list needs. */
const element = () => Object.assign(new EventTarget(), { style: {}, dataset: {}, append() {}, setAttribute() {}, textContent: "", value: "" });
const elements = {};
globalThis.document = Object.assign(new EventTarget(), {
  body: { dataset: {} }, createElement: element, querySelectorAll: () => [], querySelector: () => null,
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
Object.assign(globalThis, { window: new EventTarget(), requestAnimationFrame() {}, setInterval() {}, location: { pathname: "/", search: "", href: "/" } });
const { listConversations } = await import("../../static/js/chat/list/list.js");

test("an answer that comes late is not that of what is looked for by now", async (t) => {
  onClock(t);
  const asked = {};
  globalThis.fetch = (path) => new Promise((resolve) => {
    const found = (...jids) => resolve({ ok: true, json: async () => ({ conversations: jids.map((jid) => ({ jid, name: jid, room: false })) }) });
    asked[new URL(path, "http://h").searchParams.get("q")] = found;
  });
  const api = { ...listeners(), waitUntil: () => new Promise(() => {}), connection: { connected: () => false } };
  listConversations({ api, state: { chatboxes: Object.assign(new Model(), { models: [] }) } }, { countsUnread: true, domain: "h", roomsDomain: "rooms.h" }, {}, Promise.resolve(null));
  const field = elements["conversations-find"];
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
