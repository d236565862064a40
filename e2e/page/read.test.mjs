// What is unread, where another device has read it. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model, onClock, pass, settle } from "./support.mjs";

const { document } = Object.assign(globalThis, { document: new EventTarget() });
document.hidden = false;
globalThis.CustomEvent ??= class extends Event {
  constructor(name, { detail } = {}) {
    super(name);
    this.detail = detail;
  }
};
const { syncWhatIsRead } = await import("../../static/js/chat/unread/readMarkers.js");

const OWN = "alice@h";
const BOB = "bob@h";

/** A conversation with Bob that was read up to "a", behind a server whose ids stand in no order; and the markers. */
function conversation() {
  class ChatBox extends Model {
    messages = Object.assign(new Model(), { models: [], fetched: Promise.resolve() });
    isHidden = () => true;
    incrementUnreadMsgsCounter() {
      this.save({ num_unread: this.get("num_unread") + 1 });
    }
  }
  const { listen, tell } = listeners();
  const chatboxes = Object.assign(new Model(), { models: [], get: (jid) => chatboxes.models.find((box) => box.get("jid") === jid) });
  const api = { listen, waitUntil: async () => {} };
  const _converse = { api, exports: { ChatBox, MUC: class {} }, session: new Model({ bare_jid: OWN }), state: { chatboxes } };
  const markers = syncWhatIsRead(_converse, { user: "alice", roomsDomain: "rooms.h", countsUnread: false }, Promise.resolve());
  const box = new ChatBox({ type: "chatbox", jid: BOB, num_unread: 0, read_id: "a" });
  chatboxes.models.push(box);
  tell("chatBoxInitialized", box);
  let minute = 0;
  /** Bob says something, and the browser has it now. */
  const say = (id, live = true) => {
    const time = new Date(Date.UTC(2026, 10, 28, 10, minute++)).toISOString();
    const message = new Model({ type: "chat", sender: "them", body: id, time, is_archived: !live, [`stanza_id ${OWN}`]: id });
    box.messages.models.push(message);
    box.messages.trigger("add", message);
    if (live) box.incrementUnreadMsgsCounter(message);
  };
  say("a", false);
  return { box, markers, say };
}

/** Nothing is unread, and what is said next is. */
async function countsOnlyTheNext(t, box, say) {
  await pass(t, 400);
  assert.equal(box.get("num_unread"), 0);
  say("d");
  await pass(t, 400);
  assert.equal(box.get("num_unread"), 1);
}

test("what another device has read is not unread when it comes later than that is known", async (t) => {
  onClock(t);
  const { box, markers, say } = conversation();
  await markers.take(BOB, "c");
  say("b");
  say("c");
  await countsOnlyTheNext(t, box, say);
});

test("nor where the archive told of it while it was still to come", async (t) => {
  onClock(t);
  const { box, say, markers } = conversation();
  await pass(t, 400);
  say("b");
  await markers.take(BOB, "c");
  document.dispatchEvent(new CustomEvent("foyer:conversations", { detail: new Map([[BOB, { unread: 0, read: "c", last: { id: "c" } }]]) }));
  await settle();
  say("c");
  await countsOnlyTheNext(t, box, say);
});

test("what another device has read up to an edit was seen", async (t) => {
  onClock(t);
  const { box, markers, say } = conversation();
  say("b");
  const [, edited] = box.messages.models;
  edited.set({ ids_of_edits: ["e"] });
  await markers.take(BOB, "e");
  assert.deepEqual([box.get("num_unread"), box.get("seen_until")], [0, edited.get("time")]);
});

test("what was edited is unread once, where the archive knows it by its edit", async (t) => {
  onClock(t);
  const { box, say } = conversation();
  say("b");
  box.messages.models.at(-1).set({ ids_of_edits: ["e"] });
  await pass(t, 400);
  document.dispatchEvent(new CustomEvent("foyer:conversations", { detail: new Map([[BOB, { unread: 1, read: "a", last: { id: "e" } }]]) }));
  await settle();
  assert.equal(box.get("num_unread"), 1);
});
