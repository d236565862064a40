// What is unread in the rooms that one belongs to. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model, onClock, pass } from "./support.mjs";

globalThis.document = Object.assign(new EventTarget(), { body: { dataset: {} } });
globalThis.window = { converse: { env: { stx: String.raw } } };
globalThis.CustomEvent ??= class extends Event {};
const { FollowedRooms } = await import("../../static/js/chat/list/follow.js");
const { joinWhenOpened } = await import("../../static/js/chat/room/lazyJoin.js");

const garden = "garden@rooms.h";

/** A room that is open and out of sight, in which these were said, and are counted. */
function roomWith(...ids) {
  const models = ids.map((id) => new Model({ body: id, time: "2026-03-01T10:00:00.000Z", [`stanza_id ${garden}`]: id }));
  return Object.assign(new Model({ jid: garden, num_unread_general: ids.length, num_unread: 0 }), { messages: { models }, isHidden: () => true });
}

function settle(box, entry) {
  const rooms = new Map([[garden, { jid: garden, room: true, ...entry }]]);
  const _converse = { api: listeners(), state: { chatboxes: new Map([[garden, box]]) } };
  new FollowedRooms(_converse, { roomsDomain: "rooms.h", name: "Alice", user: "al" }, { wasRead: () => false }, { known: () => rooms, load() {}, draw() {} }).settle();
  return box;
}
const settled = (box, entry) => settle(box, entry).get("num_unread_general");

test("what was said after the site counted is unread as well, also in the same second", () => {
  const last = { id: "019a-1", at: "2026-03-01T10:00:00.000Z" };
  assert.equal(settled(roomWith("019a-1", "019a-2"), { unread: 1, last }), 2);
  assert.equal(settled(roomWith("019a-1"), { unread: 1, last }), 1);
  assert.equal(settled(roomWith("019a-1"), { unread: 0, last }), 0, "read on another device");
  assert.equal(settled(roomWith("019a-1"), { unread: 3, last: { ...last, id: "019a-3" } }), 3, "and what did not come here is counted");
});

test("what is to the name that one has in a room counts, of which the site does not know", () => {
  const last = { id: "019a-3", at: "2026-03-01T10:00:00.000Z" };
  const mentioned = (nick, own, entry) => {
    const box = roomWith("019a-1", "019a-2", "019a-3");
    box.set({ nick, num_unread: own });
    return settle(box, { last, ...entry }).get("num_unread");
  };
  assert.equal(mentioned("Alice 2", 2, { unread: 3 }), 2);
  assert.equal(mentioned("Alice 2", 1, { unread: 3, mentioned: 3 }), 3);
  assert.equal(mentioned("Alice 2", 3, { unread: 1 }), 1, "no more than is unread");
  assert.equal(mentioned("Alice 2", 3, { unread: 0 }), 0, "read on another device");
  for (const nick of ["alice", "AL", undefined]) assert.equal(mentioned(nick, 2, { unread: 3, mentioned: 1 }), 1, `as ${nick} the site's is right`);
});

/** A page whose list has a room that is not open, and what the server tells of it. */
function followed(entry = {}, box = undefined) {
  const rooms = new Map([[garden, { jid: garden, room: true, name: "Garden", unread: 0, ...entry }]]);
  const { listen, tell } = listeners();
  const loads = [];
  let hear = (_message) => {};
  const connection = { addHandler: (handle, xmlns) => xmlns === "urn:xmpp:rai:0" && (hear = handle) };
  const api = { listen, send() {}, connection: { get: () => connection, connected: () => true } };
  const chatboxes = Object.assign(new Model(), { get: () => box });
  const list = { known: () => rooms, load: () => loads.push(Date.now()), draw() {} };
  const follow = new FollowedRooms({ api, state: { chatboxes } }, { roomsDomain: "rooms.h", name: "Alice", user: "alice" }, { wasRead: () => false }, list);
  tell("connected");
  const said = (text, attributes) => {
    const element = { textContent: text, getAttribute: (name) => attributes[name] ?? null };
    const found = { "urn:xmpp:rai:0": [{ textContent: garden }], "urn:foyer:said:0": [element] };
    hear({ getAttribute: () => "rooms.h", getElementsByTagNameNS: (xmlns) => found[xmlns] });
  };
  return { entry: () => rooms.get(garden), follow, loads, said };
}

const line = (n, more = {}) => ({ id: `019b7d1a-5000-7000-8000-00000000000${n}`, by: "Bob", ...more });

test("what others say and take back counts, and what one takes back oneself does not", () => {
  const { entry, said } = followed({ unread: 2, last: { ...line(1), mine: true } });
  said("", line(1, { mine: "true", change: "deleted" }));
  assert.equal(entry().unread, 2);
  said("Hello", line(2));
  assert.equal(entry().unread, 3);
  said("", line(2, { change: "deleted" }));
  assert.equal(entry().unread, 2);
});

test("of one before the latest that is deleted the site is asked, where something is unread", async (t) => {
  onClock(t);
  const { entry, loads, said } = followed({ unread: 2, last: line(2) });
  await pass(t, 1000);
  const before = loads.length;
  said("", line(1, { change: "deleted" }));
  await pass(t, 1000);
  assert.deepEqual([loads.length - before, entry().unread, entry().last], [1, 2, line(2)]);
  entry().unread = 0;
  said("", line(1, { change: "deleted" }));
  await pass(t, 1000);
  assert.equal(loads.length - before, 1);
});

test("what is said in a room that is not entered now is to the name that one had there, too", () => {
  joinWhenOpened({ exports: { MUC: class extends Model {} }, state: {}, api: listeners() });
  globalThis.window.converse.ROOMSTATUS = { ENTERED: 1, CONNECTING: 2, CONNECTED: 3, CLOSING: 4 };
  const box = new Model({ jid: garden, type: "chatroom", hidden: true, nick: "Gardener", num_unread: 0, num_unread_general: 0 });
  const { said } = followed({ last: line(1) }, box);
  said("ask @gardener", line(2));
  assert.equal(box.get("num_unread"), 1);
  box.set({ nick: undefined });
  said("ask @ six", line(3));
  assert.deepEqual([box.get("num_unread"), box.get("num_unread_general")], [1, 2]);
});

test("however often there is a reason, the site is asked, once for all reasons until then", async (t) => {
  onClock(t);
  const { follow, loads } = followed();
  for (let i = 0; i < 20; i++) {
    follow.loadSoon();
    await pass(t, 100);
  }
  assert.ok(loads.length >= 4 && loads.length <= 7, `${loads.length} times in two seconds`);
  await pass(t, 1000);
  const { length } = loads;
  await pass(t, 1000);
  assert.equal(loads.length, length);
});

test("what was heard while the site was asked is kept of that room, and the answer taken of others", () => {
  const { entry, follow, said } = followed({ unread: 1, last: line(1) });
  const before = follow.heard;
  said("Hello", line(2));
  const answer = () => new Map([[garden, { jid: garden, room: true, name: "The garden", unread: 1, last: line(1) }], ["shed@rooms.h", { jid: "shed@rooms.h", room: true, unread: 4 }]]);
  const heard = answer();
  follow.keepHeard(heard, before);
  assert.deepEqual([heard.get(garden).name, heard.get(garden).unread, heard.get(garden).last.text], ["The garden", 2, "Hello"]);
  assert.equal(heard.get("shed@rooms.h").unread, 4);
  const later = answer();
  follow.keepHeard(later, follow.heard);
  assert.equal(later.get(garden).unread, 1, "nothing was heard since");
  assert.equal(entry().unread, 2);
});
