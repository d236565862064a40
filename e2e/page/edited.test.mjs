// Messages that were edited. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model } from "./support.mjs";
import { keepEditedInPlace } from "../../static/js/chat/edited.js";

/** A room that takes over all that is told of a message, as Converse's does. */
function room() {
  class MUC {
    async getUpdatedMessageAttributes(message, received) {
      return { body: received.body, origin_id: received.origin_id };
    }
  }
  const { listen } = listeners();
  keepEditedInPlace({ api: { listen }, exports: { MUC } });
  return new MUC();
}

test("an edited text stays when a room tells the first one again", async () => {
  const edited = new Model({ body: "ten", edited: true });
  assert.deepEqual(await room().getUpdatedMessageAttributes(edited, { body: "tan", origin_id: "1" }), { origin_id: "1" });
  const next = { body: "eleven", origin_id: "1", replace_id: "1" };
  assert.equal((await room().getUpdatedMessageAttributes(edited, next)).body, "eleven");
  assert.equal((await room().getUpdatedMessageAttributes(new Model({ body: "tan" }), { body: "tan" })).body, "tan");
});
