// Going to a message that is not in the browser. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Model, onClock, pass, settle } from "./support.mjs";

const notice = { text: "", replaceChildren: (text) => (notice.text = text) };
globalThis.document = Object.assign(new EventTarget(), { body: { dataset: {} }, getElementById: () => notice });
globalThis.CustomEvent ??= class extends Event {};
globalThis.ResizeObserver ??= class {
  observe() {}
};
globalThis.requestAnimationFrame ??= (done) => void setImmediate(done);
globalThis.CSS ??= /** @type {any} */ ({ escape: String });
const { HistoryView } = await import("../../static/js/chat/history/historyView.js");
const { endJump, jumpToMessage } = await import("../../static/js/chat/history/jumpToMessage.js");

const ID = "019a0000-0000-7000-8000-000000000001";

/** Goes to a message that the archive is asked for. */
function go(query, connected = true) {
  globalThis.window = { converse: { env: { utils: { mam: { fetchArchivedMessages: async () => {} } } } } };
  globalThis.console.warn = () => {};
  const room = Object.assign(new Model({ type: "chatroom", jid: "garden@rooms.h" }), { messages: { models: [], fetched: Promise.resolve() }, ui: new Model() });
  return jumpToMessage({ state: { chatboxes: new Map([["garden@rooms.h", room]]) }, api: { archive: { query }, connection: { connected: () => connected } } }, "garden@rooms.h", ID);
}

/** What is said when the archive gives no message, and why it does not. */
async function said(connected, error) {
  await go(async () => {
    if (!connected) throw new Error("Can't call `api.archive.query` before having established an XMPP session");
    return { error };
  }, connected);
  return notice.text;
}

test("a message that the archive does not know is gone; one that could not be asked for is not", async () => {
  class TimeoutError extends Error {}
  assert.equal(await said(true, new Error("item-not-found")), "That message no longer exists.");
  assert.match(await said(true, new TimeoutError()), /could not be loaded/);
  assert.match(await said(false), /could not be loaded/);
});

test("one that was asked for on a stream that is lost meanwhile could not be fetched, which is said", async (t) => {
  onClock(t);
  notice.text = "";
  const gone = go(() => new Promise(() => {}));
  await pass(t, 60_000);
  await gone;
  assert.match(notice.text, /could not be loaded/);
});

test("where a message is not drawn, whether somebody reads further up is as the view has it", async () => {
  const JID = "garden@rooms.h";
  const messages = Array.from({ length: 5 }, (_, i) => new Model({ body: "Hi", [`stanza_id ${JID}`]: i === 2 ? ID : `${i}` }));
  const room = Object.assign(new Model({ type: "chatroom", jid: JID }), { messages: { models: messages, length: messages.length, fetched: Promise.resolve() }, ui: new Model() });
  const scroller = Object.assign(new EventTarget(), { scrollTop: 0, clientHeight: 500, getBoundingClientRect: () => ({}), querySelector: () => null });
  const content = { model: room, requestUpdate() {}, querySelector: () => scroller, querySelectorAll: () => [], view: /** @type {any} */ (null) };
  content.view = Object.assign(new HistoryView(content, () => {}), { scroller });
  document.querySelector = /** @type {any} */ (() => content);
  const show = () => jumpToMessage({ state: { chatboxes: new Map([[JID, room]]) }, api: {} }, JID, ID);
  await show();
  assert.equal(room.ui.get("scrolled"), false, "the end is in sight");
  scroller.scrollTop = -2000;
  await show();
  assert.equal(room.ui.get("scrolled"), true);
});

test("a place that comes late takes nobody away from where they went since", async () => {
  const JID = "garden@rooms.h";
  const message = new Model({ body: "Hi", [`stanza_id ${JID}`]: "here" });
  const room = Object.assign(new Model({ type: "chatroom", jid: JID }), { messages: { models: [message], length: 1, fetched: Promise.resolve(), get: () => undefined }, ui: new Model() });
  const around = [];
  const element = { model: message, updateComplete: undefined, dataset: {} };
  const content = { querySelectorAll: () => [element], view: { scroller: {}, around: (each) => around.push(each), show() {}, tell() {} } };
  document.querySelector = /** @type {any} */ (() => content);
  /** @type {(answer: object) => void} */
  let come = () => {};
  globalThis.window = { converse: { env: { utils: { mam: { fetchArchivedMessages: async () => {} } } } } };
  const query = () => new Promise((resolve) => (come = resolve));
  const go = (id) => jumpToMessage({ state: { chatboxes: new Map([[JID, room]]) }, api: { archive: { query }, connection: { connected: () => true } } }, JID, id);
  for (const elsewhere of [() => go("here"), async () => endJump(room)]) {
    notice.text = "";
    const late = go(ID);
    await settle();
    await elsewhere();
    const there = around.length;
    come({ error: new Error("item-not-found") });
    await late;
    assert.deepEqual([around.length, notice.text], [there, ""]);
  }
});
