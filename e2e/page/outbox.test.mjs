// What was written and is not known to have arrived. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model, onClock, pass } from "./support.mjs";

globalThis.Element ??= class {};
const { deliverAll } = await import("../../static/js/chat/outbox.js");

test("what waits for its room is sent once, although the stream was lost once more meanwhile", async (t) => {
  onClock(t);
  const stanza = { querySelector: () => null, ownerDocument: { createElementNS: () => ({ setAttribute() {} }) }, append() {} };
  globalThis.DOMParser = class {
    parseFromString() {
      return { documentElement: stanza };
    }
  };
  globalThis.customElements = { whenDefined: () => new Promise(() => {}) };
  globalThis.window = Object.assign(new EventTarget(), { converse: { env: { stx: () => ({}), u: { getUniqueId: (name) => name } }, ROOMSTATUS: {} } });
  const garden = "garden@rooms.h";
  sessionStorage.getItem = (key) => (key === "foyer-outbox-alice" ? JSON.stringify([{ raw: "<message/>", room: garden, at: "2026-11-28T10:00:00Z" }]) : null);
  let entered = false;
  const room = { isEntered: () => entered, session: Object.assign(new Model(), { off() {} }) };
  const sent = [];
  const connection = { restored: false, send: (element) => sent.push(element) };
  const { listen, tell } = listeners();
  const api = {
    listen,
    rooms: { get: async () => room },
    connection: { get: () => connection, connected: () => true, authenticated: () => false, reconnect() {} },
  };
  deliverAll({ api, session: new Model({ bare_jid: "alice@h" }) }, "alice");
  tell("connected");
  await pass(t, 100);
  tell("will-reconnect");
  tell("reconnected");
  await pass(t, 100);
  entered = true;
  room.session.trigger("change:connection_status");
  await pass(t, 100);
  assert.equal(sent.length, 1);
});
