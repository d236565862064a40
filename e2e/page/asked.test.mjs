// How often the site is asked for the conversations. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model, onClock, pass } from "./support.mjs";

/** An element of the page, with as much of one as the list needs. */
const element = () => Object.assign(new EventTarget(), { style: {}, dataset: {}, append() {}, setAttribute() {}, removeAttribute() {}, textContent: "", value: "" });
const elements = {};
globalThis.document = Object.assign(new EventTarget(), {
  body: { dataset: {} }, createElement: element, querySelectorAll: () => [], querySelector: () => null,
  getElementById: (id) => (elements[id] ??= element()),
});
globalThis.CustomEvent ??= class extends Event {};
globalThis.ResizeObserver ??= class {
  observe() {}
};
Object.assign(globalThis, { window: Object.assign(new EventTarget(), { converse: { env: { stx: String.raw } } }), requestAnimationFrame() {}, setInterval() {}, location: { pathname: "/", search: "", href: "/" } });
const { listConversations } = await import("../../static/js/chat/list/list.js");

const garden = "garden@rooms.h";

test("where something is said all the time, what the site tells is taken, and it is asked ever more seldom", async (t) => {
  onClock(t);
  let hear = (_message) => {};
  const connection = { jid: "alice@h/tab", addHandler: (handle, xmlns) => xmlns === "urn:xmpp:rai:0" && (hear = handle) };
  const { listen, tell } = listeners();
  const api = { listen, send() {}, waitUntil: () => new Promise(() => {}), connection: { get: () => connection, connected: () => true } };
  let said = 0;
  const id = (n) => `019b7d1a-5000-7000-8000-${String(n).padStart(12, "0")}`;
  const say = () => {
    const attributes = { id: id(++said), by: "Bob" };
    const found = { "urn:xmpp:rai:0": [{ textContent: garden }], "urn:foyer:said:0": [{ textContent: "Hello", getAttribute: (name) => attributes[name] ?? null }] };
    hear({ getAttribute: () => "rooms.h", getElementsByTagNameNS: (xmlns) => found[xmlns] });
  };
  const room = () => ({ jid: garden, room: true, name: "Garden", unread: said, last: { id: id(said), at: "2026-01-01T10:00:00Z", text: "Hello" } });
  const shed = "shed@rooms.h";
  let asks = 0;
  let talks = true;
  globalThis.fetch = async () => {
    const conversations = [room(), { jid: shed, room: true, name: `Shed ${++asks}`, unread: 0 }];
    await Promise.resolve();
    if (talks) say(); // on its way back
    return { ok: true, headers: new Headers({ ETag: `"${asks}"` }), json: async () => ({ conversations }) };
  };
  let shown = new Map();
  document.addEventListener("foyer:conversations", ({ detail }) => (shown = detail));
  const first = Promise.resolve({ conversations: new Map([[garden, room()]]), tag: '"0"' });
  listConversations({ api, state: { chatboxes: Object.assign(new Model(), { models: [], get: () => undefined }) } }, { follow: true, countsUnread: true, domain: "h", roomsDomain: "rooms.h", user: "alice", name: "Alice Adler" }, { wasRead: () => false }, first);
  tell("connected");
  await pass(t, 100);
  document.dispatchEvent(new Event("foyer:rooms"));
  await pass(t, 60_000, 50);
  assert.ok(asks >= 5 && asks <= 12, `${asks} times in a minute`);
  assert.equal(shown.get(shed).name, `Shed ${asks}`);
  assert.deepEqual([shown.get(garden).last.id, shown.get(garden).unread], [id(said), said], "and what was heard meanwhile is not lost");
  talks = false;
  await pass(t, 60_000, 50);
  const before = asks;
  await pass(t, 60_000, 50);
  assert.equal(asks, before, "nothing is left to ask for");
});
