// Pinned messages of rooms. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model, settle } from "./support.mjs";

globalThis.document = Object.assign(new EventTarget(), { body: { dataset: {} } });
globalThis.CustomEvent ??= class extends Event {};
globalThis.window = { converse: { env: { stx: () => ({}) } } };
const { followPins, pinsOf } = await import("../../static/js/chat/room/pins.js");

const NODE = "urn:foyer:pinned:0";

/** What a room answers that has one pin. */
function answer(id) {
  const said = { getAttribute: (name) => ({ id, by: "Bob" })[name] ?? null, getElementsByTagName: () => [], textContent: "tea at four", children: [] };
  const pinned = { firstElementChild: said, getAttribute: () => "" };
  const item = { localName: "item", getAttribute: () => id, getElementsByTagNameNS: () => [pinned] };
  return { getAttribute: () => "result", getElementsByTagNameNS: () => [{ children: [item] }] };
}

test("pins that were asked for on a stream that was lost are asked for on the next, which enters no room", async () => {
  const { listen, tell } = listeners();
  const asked = [];
  const api = { listen, connection: { get: () => undefined }, sendIQ: () => new Promise((resolve) => asked.push(resolve)) };
  const room = (jid) => Object.assign(new Model({ jid, type: "chatroom" }), { features: new Map([[NODE, true]]), isEntered: () => true, messages: { models: [] }, trigger() {} });
  const [garden, lobby] = [room("garden@rooms.h"), room("lobby@rooms.h")];
  followPins({ api, state: { chatboxes: { models: [garden, lobby] } } });
  tell("enteredNewRoom", garden);
  tell("enteredNewRoom", lobby);
  asked[1](answer("one")); // and the other answer is lost
  await settle();
  tell("reconnected");
  assert.equal(asked.length, 3);
  asked[2](answer("two"));
  await settle();
  assert.deepEqual([garden, lobby].map((each) => pinsOf(each).map(({ id }) => id)), [["two"], ["one"]]);
});
