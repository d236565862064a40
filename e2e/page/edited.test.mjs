// Messages that were edited. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model } from "./support.mjs";
import { keepEditedInPlace } from "../../static/js/chat/messages/edited.js";

/** A room that takes over all that is told of a message, as Converse's does. */
function room() {
  class MUC {
    async getUpdatedMessageAttributes(message, received) {
      return { body: received.body, origin_id: received.origin_id };
    }
  }
  class Message extends Model {
    isRetracted() {
      return Boolean(this.get("retracted"));
    }
    isEphemeral() {
      return Boolean(this.get("is_ephemeral") || this.get("retracted"));
    }
  }
  const { listen } = listeners();
  keepEditedInPlace({ api: { listen }, exports: { MUC, Message } });
  return Object.assign(new MUC(), { message: (attributes) => new Message(attributes) });
}

test("an edited text stays when a room tells the first one again", async () => {
  const edited = new Model({ body: "ten", edited: true });
  assert.deepEqual(await room().getUpdatedMessageAttributes(edited, { body: "tan", origin_id: "1" }), { origin_id: "1" });
  const next = { body: "eleven", origin_id: "1", replace_id: "1" };
  assert.equal((await room().getUpdatedMessageAttributes(edited, next)).body, "eleven");
  assert.equal((await room().getUpdatedMessageAttributes(new Model({ body: "tan" }), { body: "tan" })).body, "tan");
});

test("what was taken back is not removed after a while", () => {
  const { message } = room();
  assert.equal(message({ retracted: "now" }).isEphemeral(), false);
  assert.equal(message({ is_ephemeral: true }).isEphemeral(), true);
});
