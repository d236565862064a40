// What was written and is not known to have arrived. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model, onClock, pass } from "./support.mjs";

globalThis.Element ??= class {};
const { deliverAll } = await import("../../static/js/chat/connection/outbox.js");

const GARDEN = "garden@rooms.h";
const KEY = "foyer-outbox-alice@h ";

/** What the browser keeps, which all tabs share. */
const storage = (kept = {}) => {
  const store = Object.create({
    getItem: (key) => store[key] ?? null,
    setItem: (key, text) => void (store[key] = text),
    removeItem: (key) => void delete store[key],
  });
  return Object.assign(store, kept);
};

const kept = (...list) => JSON.stringify(list.map((written) => ({ at: "2026-11-28T10:00:00Z", room: null, ...written })));

/** A page with what was written on the one before, and a room that is not entered yet. */
function page(t, ...list) {
  onClock(t);
  return open(storage({ [KEY]: kept(...list) }));
}

/** A tab, and the names that others hold. */
function open(store, held = new Set()) {
  globalThis.localStorage = store;
  navigator.locks = {
    request: async (name, options, act) => {
      await undefined;
      if (held.has(name)) return act(null);
      held.add(name);
      try {
        return await act({});
      } finally {
        held.delete(name);
      }
    },
  };
  globalThis.DOMParser = class {
    parseFromString(raw) {
      const id = /\sid="([^"]*)"/.exec(raw)?.[1] ?? raw;
      const querySelector = (selector) => (/body/.test(selector) ? {} : null);
      const getAttribute = (name) => (name === "id" ? id : null);
      const stanza = { nodeName: "message", raw, querySelector, getAttribute, ownerDocument: { createElementNS: () => ({ setAttribute() {} }) }, append() {} };
      return { documentElement: Object.setPrototypeOf(stanza, Element.prototype) };
    }
  };
  globalThis.customElements = { whenDefined: () => new Promise(() => {}) };
  globalThis.window = Object.assign(new EventTarget(), { converse: { env: { stx: () => ({}), Strophe: { serialize: ({ raw }) => raw }, u: { getUniqueId: (name) => name } }, ROOMSTATUS: { BANNED: "banned", DESTROYED: "destroyed", NICKNAME_REQUIRED: "nameless" } } });
  let isIn = false;
  const room = { isEntered: () => isIn, session: new Model() };
  const sent = [];
  const connection = { restored: false, send: ({ raw }) => sent.push(raw) };
  const { listen, tell } = listeners();
  const counted = []; // for stream management
  listen.on("send", ({ raw }) => counted.push(raw));
  const asked = []; // what the server has not answered
  const state = {
    signedIn: true,
    reconnects: 0,
    /** From now on the server answers. */
    set answers(_) {
      this.doesAnswer = true;
      for (const answer of asked.splice(0)) answer({});
    },
  };
  const api = {
    listen,
    send(stanza) {
      connection.send(stanza);
      tell("send", stanza);
    },
    sendIQ: (_ping, ms) => new Promise((resolve) => (state.doesAnswer ? resolve({}) : asked.push(resolve) && setTimeout(resolve, ms, null))),
    rooms: { get: async () => room },
    connection: { get: () => connection, connected: () => true, authenticated: () => state.signedIn, reconnect: () => state.reconnects++ },
  };
  const outbox = deliverAll({ api, session: new Model({ bare_jid: "alice@h" }) }, "alice@h");
  /** A message that Converse has just sent. */
  const say = (raw, to, reaction = null) =>
    tell("send", {
      nodeName: "message",
      raw,
      querySelector: (selector) => (selector === "reactions" ? reaction : {}),
      getAttribute: (name) => ({ to, id: raw, type: to === GARDEN ? "groupchat" : "chat" })[name],
    });
  const enter = () => {
    isIn = true;
    room.session.trigger("change:connection_status");
  };
  const leave = () => (isIn = false);
  const end = () => {
    room.session.set({ connection_status: "destroyed" });
    room.session.trigger("change:connection_status");
  };
  return { tell, sent, counted, say, enter, leave, end, outbox, state };
}

test("what is sent again counts for stream management, and is in the outbox once", async (t) => {
  const { tell, sent, counted, outbox } = page(t, { raw: '<message id="m1"/>' }, { raw: '<message id="m2"/>' });
  tell("connected");
  await pass(t, 100);
  assert.deepEqual(sent, ['<message id="m1"/>', '<message id="m2"/>']);
  assert.deepEqual(counted, sent);
  assert.equal(outbox.entries.length, 2);
});

test("what Converse sends again as a stream is resumed is in the outbox once", async (t) => {
  const { tell, sent, say, outbox, state } = page(t);
  tell("connected");
  say("hello", "bob@h");
  tell("will-reconnect");
  say("hello", "bob@h"); // by stream management, before the stream is said to work
  assert.deepEqual(outbox.entries.map(({ written }) => written.raw), ["hello"]);
  state.answers = true;
  tell("will-reconnect"); // lost once more, and not to be resumed
  tell("reconnected");
  await pass(t, 100);
  assert.deepEqual(sent, ["hello"]);
  assert.deepEqual(outbox.entries, []);
});

test("a stream that begins is given its time, and only one that was silent is given up", async (t) => {
  const { tell, say, state } = page(t);
  tell("connected");
  state.signedIn = false;
  tell("will-reconnect");
  say("hello", "bob@h"); // by stream management, before one is signed in
  await pass(t, 100);
  assert.equal(state.reconnects, 0);
  state.signedIn = true;
  tell("reconnected");
  await pass(t, 7000);
  assert.equal(state.reconnects, 1);
});

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
  assert.deepEqual(outbox.entries.map(({ written }) => written.raw), ["to the garden"]);

  tell("will-reconnect"); // lost again, before the room was entered
  tell("reconnected");
  enter();
  await pass(t, 100);
  assert.deepEqual(sent, ["to the garden"]);
  assert.deepEqual(outbox.entries, []);
});

test("what waits for a room that is no more is in nobody's way", async (t) => {
  const { tell, sent, end } = page(t, { raw: "to the garden", room: GARDEN });
  tell("connected");
  await pass(t, 100);
  assert.deepEqual(sent, []);
  end();
  await pass(t, 100);
  assert.deepEqual(sent, ["to the garden"], "the room's answer says that it did not arrive");
});

test("what an earlier release kept in the tab is sent, and marked by the id that it has", async (t) => {
  onClock(t);
  globalThis.sessionStorage = storage({ "foyer-outbox-alice": kept({ raw: '<message to="bob@h" id="m1"/>' }) });
  const { tell, sent, outbox } = open(storage());
  assert.ok(outbox.has("m1"));
  tell("connected");
  await pass(t, 100);
  assert.deepEqual(sent, ['<message to="bob@h" id="m1"/>']);
  assert.deepEqual(Object.keys(globalThis.sessionStorage), []);
});

test("what was written to somebody does not wait for a room that cannot be entered", async (t) => {
  const { tell, sent } = page(t, { raw: "to the garden", room: GARDEN }, { raw: "to Bob" }, { raw: "and more" });
  tell("connected");
  await pass(t, 100);
  assert.deepEqual(sent, ["to Bob", "and more"]);
});

// what was written outlives its tab.
test("what a tab that is gone has not sent is marked, and sent by one of two others, once", async (t) => {
  onClock(t);
  const store = storage({ [`${KEY}gone`]: kept({ raw: '<message id="1"/>' }) });
  const [first, second] = [open(store), open(store)];
  await pass(t, 100);
  const message = new Model({ msgid: "1" });
  let drawn = 0;
  message.on("change", () => drawn++);
  assert.deepEqual([first, second].map(({ outbox }) => outbox.isMarked(message)), [true, false]);
  for (const { tell } of [first, second]) tell("connected");
  await pass(t, 100);
  assert.deepEqual([...first.sent, ...second.sent], ['<message id="1"/>']);
  for (const { state } of [first, second]) state.answers = true;
  await pass(t, 100);
  assert.deepEqual([drawn, first.outbox.stateOf(message)], [1, " chat-msg--arrived"]);
  assert.deepEqual(Object.keys(store), []);
});

test("nothing is sent of a tab that is still there, nor of another person", async (t) => {
  onClock(t);
  const store = storage({ [`${KEY}there`]: kept({ raw: "by another tab" }), "foyer-outbox-alice@h.org gone": kept({ raw: "by another Alice" }) });
  const { tell, sent } = open(store, new Set(["foyer-tab-there"]));
  tell("connected");
  await pass(t, 100);
  assert.deepEqual(sent, []);
  assert.deepEqual(Object.keys(store).length, 2);
});

test("what is kept is forgotten with its person, and a later reaction takes the place of one that waits", async (t) => {
  const { tell, sent, say, outbox } = page(t);
  tell("connected");
  say("hooray", "bob@h", { id: "of Bob's" });
  say("hello", "bob@h");
  say("no reaction", "bob@h", { id: "of Bob's" });
  say("of another", "bob@h", { id: "of Carol's" });
  tell("will-reconnect");
  tell("reconnected");
  await pass(t, 100);
  assert.deepEqual(sent, ["hello", "no reaction", "of another"]);
  assert.equal(JSON.parse(localStorage.getItem(KEY)).length, 3);
  outbox.forget();
  assert.equal(localStorage.getItem(KEY), null);
});
