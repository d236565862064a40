// Who reacted to a message, as its sheet says it. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Model } from "./support.mjs";

globalThis.document = Object.assign(new EventTarget(), { body: { dataset: {} }, querySelectorAll: () => [] });
globalThis.window = { converse: { env: { u: { reactions: { getOwnReactionJID: () => "me" } } } } };
const { reactionsOf } = await import("../../static/js/chat/messages/messages.js");

/** A message with reactions, in a conversation. */
function reactedTo(reactions, { type, people = [], said = [] }) {
  const list = (all) => ({ findWhere: ({ occupant_id }) => all.map((each) => new Model(each)).find((each) => each.get("occupant_id") === occupant_id) });
  const chatbox = Object.assign(new Model({ type, jid: "garden@rooms.h" }), { getDisplayName: () => "Bob Baker", occupants: list(people), messages: list(said) });
  return Object.assign(new Model({ reactions }), { collection: { chatbox } });
}

test("each reaction stands with the names of those who reacted, between two people", () => {
  const both = reactedTo({ "bob@localhost": ["👍", "🌻"], me: ["👍"] }, { type: "chatbox" });
  assert.deepEqual(reactionsOf(both), [{ emoji: "👍", who: "Bob Baker, You" }, { emoji: "🌻", who: "Bob Baker" }]);
  assert.deepEqual(reactionsOf(reactedTo(undefined, { type: "chatbox" })), []);
});

test("in a room with those who left it, as far as they are known", () => {
  const room = { type: "chatroom", people: [{ occupant_id: "a1", nick: "Carol" }], said: [{ occupant_id: "a2", nick: "Dave" }] };
  const reactions = { a1: ["👍"], a2: ["👍"], "garden@rooms.h/Eve": ["👍"], "a/3": ["👍"] };
  assert.deepEqual(reactionsOf(reactedTo(reactions, room)), [{ emoji: "👍", who: "Carol, Dave, Eve, Somebody" }]);
});

test("of many the first dozen are named, and the others counted", () => {
  const of = (count) => reactedTo(Object.fromEntries(Array.from({ length: count }, (_, i) => [`garden@rooms.h/P${i}`, ["🎉"]])), { type: "chatroom" });
  const dozen = Array.from({ length: 12 }, (_, i) => `P${i}`).join(", ");
  assert.deepEqual(reactionsOf(of(12)), [{ emoji: "🎉", who: dozen }]);
  assert.deepEqual(reactionsOf(of(17)), [{ emoji: "🎉", who: `${dozen} and 5 more` }]);
});
