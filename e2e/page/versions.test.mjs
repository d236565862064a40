// The ids that a message goes by. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model } from "./support.mjs";
import { knowVersions } from "../../static/js/chat/messages/versions.js";

/** A conversation as Converse has it: an edited message has the ids of its latest edit. */
function conversation(message) {
  class ChatBox {
    messages = { models: [message] };
    async handleCorrection({ replace_id, ...attributes }) {
      if (message.get("msgid") !== replace_id) return undefined;
      message.set({ ...attributes, msgid: replace_id });
      return message;
    }
    async handleRetraction({ retracted_id }) {
      return message.get("msgid") === retracted_id;
    }
    getReferencedMessage(id) {
      return message.get("msgid") === id ? message : undefined;
    }
  }
  class MUC extends ChatBox {
    async getUpdatedMessageAttributes(_message, received) {
      return { occupant_id: received.occupant_id, "stanza_id garden@rooms": received["stanza_id garden@rooms"] };
    }
  }
  knowVersions({ api: listeners(), exports: { ChatBox, MUC } });
  return { chat: new ChatBox(), room: new MUC() };
}

test("an edited message is answered and taken back by the id of its edit", async () => {
  const message = new Model({ msgid: "1", origin_id: "1", from: "bob@localhost" });
  const { chat } = conversation(message);
  await chat.handleCorrection({ msgid: "2", origin_id: "2", replace_id: "1", from: "bob@localhost" });
  assert.equal(message.get("origin_id"), "1");
  assert.equal(chat.getReferencedMessage("2"), message);
  assert.equal(chat.getReferencedMessage("3"), undefined);
  assert.equal(await chat.handleRetraction({ retracted_id: "2", from: "bob@localhost" }), true);
  assert.equal(await chat.handleRetraction({ retracted_id: "2", from: "eve@localhost" }), false);
});

test("one's own message keeps its id in a room's archive when an edit of it comes back", async () => {
  const message = new Model({ msgid: "1", origin_id: "1", from: "garden@rooms/Alice", "stanza_id garden@rooms": "first" });
  const { room } = conversation(message);
  const came = { from: "garden@rooms/Alice", "stanza_id garden@rooms": "second" };
  assert.equal((await room.getUpdatedMessageAttributes(message, came))["stanza_id garden@rooms"], "second"); // no edit
  assert.equal((await room.getUpdatedMessageAttributes(message, { ...came, replace_id: "1" }))["stanza_id garden@rooms"], "first");
});
