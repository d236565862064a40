// Rooms that are followed, and not entered. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model, settle } from "./support.mjs";
import { joinWhenOpened } from "../../static/js/chat/room/lazyJoin.js";

test("what a room tells of its activity changes no count", () => {
  globalThis.document = { addEventListener() {} };
  /** Counts as Converse does: a room that tells of activity has something new, and nothing that was counted. */
  class MUC extends Model {
    handleMessageFromMUCHost() {
      this.save({ has_activity: true, num_unread_general: 0 });
    }
  }
  joinWhenOpened({ exports: { MUC }, state: {}, api: listeners() });
  const room = new MUC({ num_unread_general: 3 });
  room.handleMessageFromMUCHost({});
  assert.equal(room.get("num_unread_general"), 3);
});

test("a room that the site told of and does not any more closes, and is not entered; of others it never told, and they are", async () => {
  globalThis.window = /** @type {any} */ ({ converse: { ROOMSTATUS: { ENTERED: 1, CONNECTING: 2, CONNECTED: 3, DISCONNECTED: 4, BANNED: 5 } } });
  const document = (globalThis.document = /** @type {any} */ (new EventTarget()));
  const done = [];
  class MUC extends Model {
    session = new Model({ connection_status: 4 });
    initialized = Promise.resolve();
    async join() {
      done.push(`enters ${this.get("jid")}`);
    }
    rejoin() {
      return this.join();
    }
    async close() {
      done.push(`closes ${this.get("jid")}`);
    }
  }
  const { listen, tell } = listeners();
  let connected = true;
  const models = [];
  const api = { listen, connection: { connected: () => connected } };
  const bookmarks = { get: (jid) => ({ save: ({ autojoin }, { silent }) => done.push(`${jid} is ${autojoin || !silent ? "published" : "not entered by itself"}`) }) };
  joinWhenOpened({ exports: { MUC }, state: { chatboxes: { models }, bookmarks }, api });
  const [left, silent, unknown, open] = ["left", "silent", "unknown", "open"].map((jid) => new MUC({ jid, type: "chatroom", hidden: jid !== "open" }));
  const site = async (...entries) => {
    document.dispatchEvent(Object.assign(new Event("foyer:conversations"), { detail: new Map(entries) }));
    await settle();
    return done.splice(0);
  };
  const follows = (jid) => [jid, { canFollow: true }];
  const all = [follows("left"), follows("open"), ["silent", {}]];
  for (const room of [left, silent, open]) {
    models.push(room);
    tell("chatRoomInitialized", room);
  }
  assert.deepEqual(await site(...all), ["enters silent"]);
  silent.session.set({ connection_status: 1 });

  connected = false; // the laptop sleeps; the phone leaves
  assert.deepEqual(await site(follows("silent")), []);
  connected = true;
  for (const room of [left, open]) await room.join(); // as each does when a stream begins
  await settle();
  assert.deepEqual(done.splice(0).sort(), ["closes left", "enters open", "left is not entered by itself"]);

  models.splice(models.indexOf(left), 1);
  models.push(unknown); // entered in a moment in which the stream was lost: the site may not know yet
  assert.deepEqual(await site(follows("silent")), ["enters unknown"]);
  models.push(left);
  const many = Array.from({ length: 500 }, (_, n) => follows(`room-${n}`));
  assert.deepEqual(await site(...many), ["enters left"], "it tells of no more rooms than that");
});
