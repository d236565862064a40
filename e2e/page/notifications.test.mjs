// Notifications that are taken away. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model, settle } from "./support.mjs";

globalThis.document = Object.assign(new EventTarget(), { body: { dataset: {} } });
globalThis.CustomEvent ??= class extends Event {
  constructor(name, { detail } = {}) {
    super(name);
    this.detail = detail;
  }
};
globalThis.window = {};
const { notifyPeople } = await import("../../static/js/chat/unread/notifications.js");

test("what another device has read of a room that was never opened here is notified no more", async () => {
  const garden = "garden@rooms.h";
  const notice = (id) => ({ data: { id }, close: () => shown.delete(id) });
  const shown = new Map(["019a-1", "019a-3"].map((id) => [id, notice(id)]));
  const there = { getNotifications: async ({ tag }) => (tag === garden ? [...shown.values()] : []) };
  Object.defineProperty(globalThis, "navigator", { value: { serviceWorker: { getRegistration: async () => there, addEventListener() {} } }, configurable: true });
  class Chat extends Model {
    handleUnreadMessage() {}
  }
  const markers = { wasRead: (jid, id) => jid === garden && "019a-2" >= id };
  const { listen, tell } = listeners();
  const chatboxes = new Model();
  notifyPeople({ api: { listen }, exports: { ChatBox: class extends Chat {}, MUC: class extends Chat {} }, state: { chatboxes } }, { follow: true }, markers);
  document.dispatchEvent(new CustomEvent("foyer:read", { detail: garden }));
  await settle();
  assert.deepEqual([...shown.keys()], ["019a-3"]);
  // Nor is what is read here, once it is opened, where nothing was counted before.
  tell("chatBoxesInitialized");
  markers.wasRead = () => true;
  chatboxes.trigger("change:read_id", new Model({ jid: garden }));
  await settle();
  assert.equal(shown.size, 0);
});

test("what was said while the page was loaded is news, also where the archive brings it first", () => {
  class Chat extends Model {
    handleUnreadMessage() {}
  }
  let news = 0;
  document.addEventListener("foyer:news", () => news++);
  notifyPeople({ api: listeners(), exports: { ChatBox: Chat, MUC: class extends Model { handleUnreadMessage() {} } }, state: {} }, {}, { isRead: () => false });
  const isNews = (attributes) => {
    const before = news;
    new Chat({ jid: "bob@h" }).handleUnreadMessage(new Model({ type: "chat", sender: "them", body: "hello", ...attributes }));
    return news > before;
  };
  const ago = (ms) => new Date(Date.now() - ms).toISOString();
  const loaded = Date.now() - performance.timeOrigin;
  assert.equal(isNews({}), true);
  assert.equal(isNews({ is_archived: true, is_delayed: true, time: ago(0) }), true);
  assert.equal(isNews({ is_archived: true, is_delayed: true, time: ago(loaded + 1000) }), false, "it was said before the page was there");
  assert.equal(isNews({ is_delayed: true, time: ago(60_000) }), true);
  assert.equal(isNews({ is_delayed: true, time: ago(180_000) }), false);
  assert.equal(isNews({ is_archived: true, is_delayed: true, time: ago(0), sender: "me" }), false);
});
