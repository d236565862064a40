// How much is unread in all. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model, settle } from "./support.mjs";

globalThis.document = Object.assign(new EventTarget(), { title: "Chat", body: { dataset: {} }, querySelectorAll: () => [], querySelector: () => null });
globalThis.sessionStorage = { getItem: () => null, setItem() {}, removeItem() {} };
Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
globalThis.CustomEvent ??= class extends Event {};
const { serverUnread } = await import("../../static/js/chat/unread/serverUnread.js");
const { levels } = await import("../../static/js/chat/unread/levels.js");
const { countUnread } = await import("../../static/js/chat/unread/unread.js");

test("a room that is muted is not in the sum, whether this browser knows it or not", async (t) => {
  const box = (jid, type, counts) => new Model({ jid, type, ...counts });
  const models = [
    box("bob@h", "chatbox", { num_unread: 2 }), box("carol@h", "chatbox", { num_unread: 3 }),
    box("garden@rooms.h", "chatroom", { num_unread_general: 5, num_unread: 1 }), box("shed@rooms.h", "chatroom", { num_unread_general: 7, num_unread: 0 }),
  ];
  const chatboxes = Object.assign(new Model(), { models, get: (jid) => models.find((each) => each.get("jid") === jid) });
  const { listen, tell } = listeners();
  class Box {
    isHidden() {}
    clearUnreadMsgCounter() {}
  }
  countUnread({ api: { listen, waitUntil: async () => {} }, exports: { ChatBox: Box, MUC: class extends Box {} }, state: { chatboxes } }, "alice", Promise.resolve(new Set()));
  tell("chatBoxesInitialized");
  await settle();
  const told = (jid, unread) => [jid, { jid, room: false, unread }];
  serverUnread.tell(new Map([told("bob@h", 9), told("dave@h", 11), told("erin@h", 13)]));
  assert.equal(document.title, "(41) Chat");
  const muted = new Set(["carol@h", "shed@rooms.h", "erin@h"]);
  t.mock.method(levels, "of", (jid) => (muted.has(jid) ? "none" : "all"));
  document.dispatchEvent(new Event("foyer:levels"));
  assert.equal(document.title, "(34) Chat", "who is muted is");
});
