// Who is in a room. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model, onClock, pass, settle } from "./support.mjs";
import { believeModerationOfRooms, knowOccupants } from "../../static/js/chat/room/occupants.js";

const OCCUPANT_ID = "urn:xmpp:occupant-id:0";

/** Rooms as Converse makes them, with the members' list in the test's hands. */
function converse() {
  const lists = [];
  class MUCOccupants {
    sorted = 0;
    constructor(chatroom) {
      this.chatroom = chatroom;
    }
    fetchMembers() {
      return new Promise((resolve) => lists.push(resolve));
    }
    sort() {
      this.sorted++;
      return this;
    }
  }
  class MUC extends Model {
    initOccupants() {
      this.occupants = new MUCOccupants(this);
    }
    initDiscoModels() {
      this.features = new Model();
    }
    isEntered() {
      return true;
    }
  }
  const events = [];
  const { listen, tell } = listeners();
  const on = (name, listener) => (events.push([name, listener]), listen.on(name, listener));
  knowOccupants({ api: { listen: { on } }, exports: { MUC, MUCOccupants } }, { follow: true });
  /** What a hook makes of what Converse hands on. */
  const hook = async (name, ...args) => {
    for (const [, listener] of events.filter(([each]) => each === name)) return listener(...args);
  };
  const room = (attributes) => {
    const made = new MUC(attributes);
    made.initDiscoModels();
    made.initOccupants();
    tell("chatRoomInitialized", made);
    return made;
  };
  return { room, lists, hook };
}

test("who is in a room is not put in order again for each who comes", () => {
  const { occupants } = converse().room({});
  assert.equal(occupants.sort(), occupants);
  assert.equal(occupants.sorted, 0);
});

test("members are asked for where something is encrypted, and else not", async () => {
  const { room, lists } = converse();
  await room({}).occupants.fetchMembers();
  assert.equal(lists.length, 0);
  void room({ omemo_active: true }).occupants.fetchMembers();
  assert.equal(lists.length, 1);
});

test("an encrypted message waits until the members are known", async () => {
  const { room, lists, hook } = converse();
  const chat = room({});
  assert.deepEqual(await hook("getOutgoingMessageAttributes", chat, { body: "open" }), { body: "open" });
  chat.set({ omemo_active: true });
  chat.trigger("change:omemo_active");
  let sent;
  hook("getOutgoingMessageAttributes", chat, { body: "secret" }).then((attributes) => (sent = attributes));
  await settle();
  assert.equal(sent, undefined);
  lists[0]();
  await settle();
  assert.deepEqual(sent, { body: "secret" });
});

test("an encrypted message whose room does not tell its members is not sent, and may be tried again", async (t) => {
  onClock(t);
  const { room, lists, hook } = converse();
  const chat = room({});
  chat.set({ omemo_active: true });
  chat.trigger("change:omemo_active"); // the stream is lost: nobody answers any more
  const say = () => hook("getOutgoingMessageAttributes", chat, { body: "secret" }).then(() => "sent", () => "failed");
  let first;
  say().then((what) => (first = what));
  await pass(t, 9000);
  assert.equal(first, undefined);
  await pass(t, 2000);
  assert.equal(first, "failed");

  const second = say(); // the stream is back
  await settle();
  lists.at(-1)();
  assert.equal(await second, "sent");
  assert.equal(await say(), "sent");
});

test("an encrypted message goes as soon as the room is entered again and tells its members", async () => {
  const { room, lists, hook } = converse();
  const chat = room({ omemo_active: true });
  const said = hook("getOutgoingMessageAttributes", chat, { body: "secret" });
  void chat.occupants.fetchMembers(); // by Converse, as it is in
  await settle();
  lists.at(-1)();
  assert.deepEqual(await said, { body: "secret" });
});

test("a room of the site gives ids before it was asked", () => {
  const { features } = converse().room({});
  assert.equal(features.get(OCCUPANT_ID), true);
  assert.equal(features.get("another"), undefined);
});

test("an id that comes before the room was asked is taken", async () => {
  const { room, hook } = converse();
  const chat = room({});
  const stanza = { getElementsByTagNameNS: (ns) => (ns === OCCUPANT_ID ? [{ getAttribute: () => "id-of-bob" }] : []) };
  const attributes = { from: "room@localhost/Bob", reactions: { "room@localhost/Bob": ["👍"] } };
  assert.deepEqual(await hook("parseMUCMessage", stanza, attributes, chat), { ...attributes, occupant_id: "id-of-bob", reactions: { "id-of-bob": ["👍"] } });
  chat.features.set({ fetched: "now" });
  assert.equal(await hook("parseMUCMessage", stanza, attributes, chat), attributes);
});

test("that a moderator took something back is believed of the room alone", () => {
  const { listen, tell } = listeners();
  believeModerationOfRooms({ api: { listen } });
  const room = new Model({ jid: "room@localhost" });
  const moderation = { moderated: "retracted", moderated_by: "room@localhost/Al", moderated_id: "1", moderation_reason: "spam" };
  const heard = (attributes) => tell("parseMUCMessage", {}, attributes, room)[0];
  for (const attributes of [
    { from: "room@localhost", ...moderation },
    { from: "room@localhost/Bob", body: "hello" },
    { from: "room@localhost/Bob", is_tombstone: true, moderated_by: "room@localhost/Al" },
  ]) {
    assert.equal(heard(attributes), attributes);
  }
  assert.equal(heard({ from: "room@localhost/Bob", body: "x", ...moderation }).moderated, undefined);
});
