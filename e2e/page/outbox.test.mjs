// What was written and is not known to have arrived. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model, onClock, pass } from "./support.mjs";

globalThis.Element ??= class {};
const { deliverAll } = await import("../../static/js/chat/connection/outbox.js");

const GARDEN = "garden@rooms.h";

/** A page with what was written on the one before, and a room that is not entered yet. */
function page(t, ...kept) {
  onClock(t);
  globalThis.DOMParser = class {
    parseFromString(raw) {
      const stanza = { raw, querySelector: () => null, ownerDocument: { createElementNS: () => ({ setAttribute() {} }) }, append() {} };
      return { documentElement: stanza };
    }
  };
  globalThis.XMLSerializer = class {
    serializeToString = ({ raw }) => raw;
  };
  globalThis.customElements = { whenDefined: () => new Promise(() => {}) };
  globalThis.window = Object.assign(new EventTarget(), { converse: { env: { stx: () => ({}), u: { getUniqueId: (name) => name } }, ROOMSTATUS: {} } });
  sessionStorage.getItem = (key) => (key === "foyer-outbox-alice" ? JSON.stringify(kept.map((written) => ({ at: "2026-11-28T10:00:00Z", room: null, ...written }))) : null);
  let isIn = false;
  const room = { isEntered: () => isIn, session: new Model() };
  const sent = [];
  const connection = { restored: false, send: ({ raw }) => sent.push(raw) };
  const { listen, tell } = listeners();
  const state = { answers: false };
  const api = {
    listen,
    sendIQ: async () => ({}),
    rooms: { get: async () => room },
    connection: { get: () => connection, connected: () => true, authenticated: () => state.answers, reconnect() {} },
  };
  const outbox = deliverAll({ api, session: new Model({ bare_jid: "alice@h" }) }, "alice");
  /** A message that Converse has just sent. */
  const say = (raw, to) => tell("send", { nodeName: "message", raw, querySelector: () => ({}), getAttribute: (name) => ({ to, type: to === GARDEN ? "groupchat" : "chat" })[name] });
  const enter = () => {
    isIn = true;
    room.session.trigger("change:connection_status");
  };
  const leave = () => (isIn = false);
  return { tell, sent, say, enter, leave, outbox, state };
}

test("what waits for its room is sent once, although the stream was lost once more meanwhile", async (t) => {
  const { tell, sent, enter } = page(t, { raw: "hello", room: GARDEN });
  tell("connected");
  await pass(t, 100);
  tell("will-reconnect");
  tell("reconnected");
  await pass(t, 100);
  enter();
  await pass(t, 100);
  assert.deepEqual(sent, ["hello"]);
});

test("what waits for its room has not arrived because the server has what was said elsewhere", async (t) => {
  const { tell, sent, say, enter, leave, outbox, state } = page(t);
  tell("connected");
  enter();
  say("to the garden", GARDEN); // and the stream is lost
  leave();
  tell("will-reconnect");
  tell("reconnected");
  await pass(t, 100);
  state.answers = true;
  say("to Bob", "bob@h");
  outbox.ask();
  await pass(t, 100);
  assert.deepEqual(outbox.entries.map(({ raw }) => raw), ["to the garden"]);

  tell("will-reconnect"); // lost again, before the room was entered
  tell("reconnected");
  enter();
  await pass(t, 100);
  assert.deepEqual(sent, ["to the garden"]);
  assert.deepEqual(outbox.entries, []);
});

test("what was written to somebody does not wait for a room that cannot be entered", async (t) => {
  const { tell, sent } = page(t, { raw: "to the garden", room: GARDEN }, { raw: "to Bob" }, { raw: "and more" });
  tell("connected");
  await pass(t, 100);
  assert.deepEqual(sent, ["to Bob", "and more"]);
});
