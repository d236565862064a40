// Rooms that are followed, and not entered. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Model } from "./support.mjs";
import { enterWhenOpened } from "../../static/js/chat/room/lateEntry.js";

test("what a room tells of its activity changes no count", () => {
  globalThis.document = { addEventListener() {} };
  /** Counts as Converse does: a room that tells of activity has something new, and nothing that was counted. */
  class MUC extends Model {
    handleMessageFromMUCHost() {
      this.save({ has_activity: true, num_unread_general: 0 });
    }
  }
  enterWhenOpened({ exports: { MUC }, state: {}, api: {} });
  const room = new MUC({ num_unread_general: 3 });
  room.handleMessageFromMUCHost({});
  assert.equal(room.get("num_unread_general"), 3);
});
