// Rooms that are followed, and not entered. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Model } from "./support.mjs";
import { enterWhenOpened } from "../../static/js/chat/lateEntry.js";

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

test("a room that says nothing is asked again, as long as it is waited for", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.document = { addEventListener() {} };
  globalThis.window = { converse: { ROOMSTATUS: { CONNECTING: 1, ENTERED: 5 } } };
  const asked = [];
  class MUC extends Model {
    session = new Model({ connection_status: 1 });
    async join() {
      asked.push(this.get("jid"));
    }
    rejoin() {
      return this.join();
    }
  }
  const rooms = new Map();
  let connected = true;
  enterWhenOpened({ exports: { MUC }, state: { chatboxes: rooms }, api: { connection: { connected: () => connected } } });
  const room = new MUC({ jid: "lobby@conference.localhost" });
  rooms.set(room.get("jid"), room);
  await room.join();
  t.mock.timers.tick(15_000);
  assert.equal(asked.length, 2);
  await Promise.resolve();
  connected = false; // the next stream has it come to join
  t.mock.timers.tick(15_000);
  assert.equal(asked.length, 2);
  connected = true;
  await room.join();
  room.session.set({ connection_status: 5 });
  t.mock.timers.tick(15_000);
  assert.equal(asked.length, 3);
});
