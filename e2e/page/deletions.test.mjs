// What is shown as deleted. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model, settle } from "./support.mjs";
import { deleteForEverybody } from "../../static/js/chat/messages/deletions.js";

/** Converse, as far as it deletes: what a room answers is the test's. */
function converse({ answer = async () => null, waiting = [] } = {}) {
  /** @type {string[]} */
  const sent = [];
  const { listen, tell } = listeners();
  const stx = (strings, ...values) => String.raw({ raw: strings }, ...values).replaceAll(/\s+/g, " ").trim();
  globalThis.window = /** @type {any} */ ({ converse: { env: { stx, u: { getUniqueId: () => "new" }, Strophe: { NS: { RETRACT: "retract", HINTS: "hints", FALLBACK: "fallback" } } } } });
  class ChatBox extends Model {
    retractOwnMessage(message) {
      sent.push("past all");
      message.save({ retracted: true });
    }
  }
  class MUC {
    sendTimedMessage() {
      return answer();
    }
    async retractOtherMessage(message) {
      message.save({ moderated: "retracted" });
      const result = await this.sendRetractionIQ(message);
      if (result === null) message.save({ moderated: undefined });
      return result;
    }
    sendRetractionIQ() {
      return answer();
    }
  }
  const api = { listen, send: (stanza) => sent.push(stanza), connection: { authenticated: () => false } };
  deleteForEverybody({ api, exports: { ChatBox, MUC } }, { has: (id) => waiting.includes(id) });
  return { sent, tell, chat: new ChatBox({ jid: "bob@h" }), room: new MUC() };
}

class Message extends Model {
  saved = {};

  save(attributes) {
    this.set(attributes);
    Object.assign(this.saved, attributes);
  }
}

test("a deletion between two people is sent like a message, also of one that another app sent", () => {
  const { sent, chat } = converse();
  const messages = [new Message({ origin_id: "o1", msgid: "m1" }), new Message({ msgid: "m2" })];
  for (const message of messages) chat.retractOwnMessage(message);
  const stanza = (id) => `<message id="new" to="bob@h" type="chat" xmlns="jabber:client"> <retract id="${id}" xmlns="retract"/> <body>/me retracted a message</body> <store xmlns="hints"/> <fallback xmlns="fallback" for="retract"/> </message>`;
  assert.deepEqual(sent, [stanza("o1"), stanza("m2")]);
  assert.deepEqual(messages.map((message) => [message.get("retracted_id"), message.get("retraction_id")]), [["o1", "new"], ["m2", "new"]]);
});

test("a deletion in a room that waits to be sent is not undone", async () => {
  const late = new Error("nobody answered");
  const stanza = (id) => ({ tree: () => ({ getAttribute: () => id }) });
  const { room } = converse({ answer: async () => late, waiting: ["waits"] });
  assert.equal(await room.sendTimedMessage(stanza("waits")), null);
  assert.equal(await room.sendTimedMessage(stanza("sent")), late);
});

test("what a moderator deletes is kept as deleted by nobody before the room says so, and is undone without a stream", async () => {
  for (const [answer, lose] of [[() => Promise.reject(new Error("no stream")), false], [() => new Promise(() => {}), true]]) {
    const { room, tell } = converse({ answer });
    const message = new Message();
    const result = room.retractOtherMessage(message, "spam");
    await settle();
    if (lose) {
      assert.deepEqual([message.get("moderated"), message.saved], ["retracted", {}]);
      tell("will-reconnect");
      assert.equal(message.get("moderated"), undefined);
      tell("reconnected");
    }
    assert.equal(await result, null);
    assert.equal(message.get("moderated"), undefined);
  }
});

test("what a moderator deletes stays deleted where the room says so on the next stream, and whatever becomes of streams after its answer", async () => {
  const lost = converse({ answer: () => new Promise(() => {}) });
  const message = new Message();
  const result = lost.room.retractOtherMessage(message);
  await settle();
  lost.tell("will-reconnect");
  message.save({ moderated: "retracted" }); // by the room
  lost.tell("reconnected");
  assert.equal(await result, undefined);
  assert.equal(message.get("moderated"), "retracted");

  const answered = converse({ answer: async () => "done" });
  assert.equal(await answered.room.retractOtherMessage(message), "done");
  answered.tell("will-reconnect");
  answered.tell("reconnected");
  await settle();
  assert.equal(message.get("moderated"), "retracted");
});
