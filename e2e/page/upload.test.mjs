// A file on its way. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model, onClock, pass, settle } from "./support.mjs";

globalThis.document ??= new EventTarget();
globalThis.Element ??= class {};
const { stopUnloadPrompt, resumeOnReconnect, Queue, queueOf, unsentOf } = await import("../../static/js/chat/composer/queue.js");
const { allowRejoin } = await import("../../static/js/chat/room/rejoin.js");
const { joinWhenOpened } = await import("../../static/js/chat/room/lazyJoin.js");
const { withLazy } = await import("../../static/js/chat/lazy.js");
globalThis.window = /** @type {any} */ ({ converse: { env: {} } });
await new Promise(withLazy); // what uploads

/** @type {any} */
let open = {};

/** A conversation whose server says nothing when a place for a file is asked for, if nothing else is given: Strophe forgot who waits for the answer. */
function conversation(sendIQ = () => new Promise(() => {})) {
  globalThis.window = Object.assign(new EventTarget(), { converse: { env: { stx: () => ({}), u: { getUniqueId: (name) => name } } } });
  const said = [];
  delete open.collection; // that of the test before is closed
  const chat = Object.assign(open = new Model({ jid: "bob@h" }), { collection: {}, messages: { findWhere() {} }, sendMessage: async ({ body }) => said.push(body) });
  const state = { connected: true, services: [{ id: "upload.h", dataforms: { models: [] } }] };
  const { listen, tell } = listeners();
  const api = {
    listen,
    connection: { connected: () => state.connected, authenticated: () => state.connected, reconnect() {} },
    disco: { features: { get: async () => state.services } },
    hook: async (name, context, value) => value,
    sendIQ,
  };
  const _converse = { api, session: new Model({ domain: "h" }) };
  resumeOnReconnect(_converse);
  return { queue: new Queue(_converse, chat), said, state, tell, api, chat, _converse };
}

const states = ({ items }) => items.map(({ state }) => state);

const file = new File(["twelve bytes"], "plan.pdf", { type: "application/pdf" });

test("a file that nobody gave a place is not on its way for ever, and what comes after it is sent", async (t) => {
  onClock(t);
  const { queue, said } = conversation();
  queue.choose([file]);
  queue.send("And the text");
  await pass(t, 31_000, 1000);
  assert.deepEqual(queue.items.map(({ state }) => state), ["failed", "waiting"]);
  queue.remove(queue.items[0]);
  await settle();
  assert.deepEqual(said, ["And the text"]);
});

test("nor is one that is taken away meanwhile in anybody's way", async (t) => {
  onClock(t);
  const { queue, said } = conversation();
  queue.choose([file]);
  queue.send("And the text");
  await settle();
  queue.remove(queue.items[0]);
  await settle();
  assert.deepEqual(said, ["And the text"]);
});

const ADDRESS = "https://h/upload/x/plan.pdf";

test("a file that found no network goes by itself once that is back, and what was written after it after it", async (t) => {
  onClock(t);
  const { queue, said } = conversation(place(200));
  Object.assign(navigator, { onLine: false });
  queue.choose([file]);
  queue.send("And the text");
  await settle();
  assert.deepEqual(states(queue), ["away", "waiting"]);
  Object.assign(navigator, { onLine: true });
  window.dispatchEvent(new Event("online"));
  await pass(t, 100);
  assert.deepEqual(said, [ADDRESS, "And the text"]);
});

test("nor does one wait for somebody that was sent while there was no stream, or that lost its own before it had a place", async (t) => {
  onClock(t);
  const { queue, said, state, tell, api } = conversation();
  state.connected = false;
  queue.choose([file]);
  queue.send("");
  await settle();
  assert.deepEqual(states(queue), ["away"]);
  Object.assign(state, { connected: true });
  tell("connected");
  await settle();
  assert.deepEqual(states(queue), ["sending"]);
  state.connected = false;
  tell("will-reconnect");
  await settle();
  assert.deepEqual(states(queue), ["away"]);
  api.sendIQ = place(200);
  state.connected = true;
  tell("reconnected");
  await pass(t, 100);
  assert.deepEqual(said, [ADDRESS]);
});

test("what fails when the site is back already is tried again at once, and what was refused is not", async (t) => {
  onClock(t);
  const { queue, said, tell, api } = conversation(place(0));
  queue.choose([file]);
  let fail = () => {};
  const { sendIQ } = api;
  api.sendIQ = () => new Promise((_, reject) => (fail = () => reject(new Error("lost"))));
  queue.send("");
  await settle();
  tell("reconnected");
  api.sendIQ = place(200);
  fail();
  await pass(t, 100);
  assert.deepEqual(said, [ADDRESS]);
  api.sendIQ = sendIQ;
  place(507);
  queue.choose([file]);
  queue.send("");
  await pass(t, 100);
  place(200);
  tell("reconnected");
  await pass(t, 100);
  assert.deepEqual(states(queue), ["failed"]);
  queue.retry(queue.items[0]);
  await pass(t, 100);
  assert.deepEqual(states(queue), []);
});

test("that no service for files was found without a stream does not mean that there is none", async (t) => {
  onClock(t);
  const { queue, state } = conversation();
  state.services = [];
  queue.choose([file]);
  queue.send("");
  state.connected = false; // while it is asked
  await pass(t, 100);
  assert.deepEqual(states(queue), ["away"]);
});

test("in a room a file waits until that is entered again", async (t) => {
  onClock(t);
  const { queue, said, chat } = conversation(place(200));
  window.converse.ROOMSTATUS = { BANNED: "banned", DESTROYED: "destroyed", NICKNAME_REQUIRED: "nameless" };
  let isIn = false;
  Object.assign(chat, { isEntered: () => isIn, session: new Model() });
  queue.choose([file]);
  queue.send("");
  await pass(t, 100);
  assert.deepEqual([states(queue), said], [["sending"], []]);
  isIn = true;
  chat.session.trigger("change:connection_status");
  await pass(t, 100);
  assert.deepEqual(said, [ADDRESS]);
});

/** A room that one is not in, and what is done there. */
function outside(chat) {
  window.converse.ROOMSTATUS = { BANNED: "banned", DESTROYED: "destroyed", NICKNAME_REQUIRED: "nameless", DISCONNECTED: "out", CLOSING: "closing" };
  class MUC {
    handleDisconnection() {
      chat.session.set({ connection_status: "out", disconnection_message: "You were removed." });
    }
  }
  const { listen } = listeners();
  allowRejoin({ api: { listen, rooms: {} }, exports: { MUC } });
  joinWhenOpened({ api: { listen }, exports: { MUC }, state: {} });
  const done = [];
  Object.assign(chat, { session: new Model(), isEntered: () => false, rejoin: async () => done.push("enters it"), handleDisconnection: MUC.prototype.handleDisconnection });
  return done;
}

test("what did not get through is given up where the conversation was closed meanwhile: nobody is back in a room that they left", async (t) => {
  onClock(t);
  const { queue, said, tell, chat, api } = conversation(place(0));
  const done = outside(chat);
  queue.choose([file]);
  queue.send("");
  await pass(t, 100);
  assert.deepEqual(states(queue), ["failed"]);
  api.sendIQ = () => (done.push("asks for a place"), place(200)());
  delete (/** @type {any} */ (chat).collection);
  tell("reconnected");
  await pass(t, 100);
  assert.deepEqual([done, said], [[], []]);
});

test("nor in one that they are about to leave", async (t) => {
  onClock(t);
  const { queue, chat } = conversation(place(200));
  const done = outside(chat);
  chat.session.set({ connection_status: "closing" });
  queue.choose([file]);
  queue.send("");
  await pass(t, 100);
  assert.deepEqual([states(queue), done], [["sending"], []]);
  queue.end();
  await pass(t, 61_000, 1000);
  assert.deepEqual(done, []);
});

test("what is under way as a conversation is closed stops, and what was written after it is not sent", async (t) => {
  onClock(t);
  const { said, tell, chat, api, _converse } = conversation(() => new Promise(() => {}));
  const queue = queueOf(_converse, chat);
  const done = outside(chat);
  queue.choose([file]);
  queue.send("And the text");
  await settle();
  const [{ stop }] = queue.items;
  delete (/** @type {any} */ (chat).collection);
  tell("chatBoxClosed", chat);
  await pass(t, 100);
  assert.deepEqual([stop.signal.aborted, done, said], [true, [], []]);
  assert.deepEqual(queue.texts, ["And the text"], "it stays a draft");
});

test("nor does a room that one was put out of have one back for what is to be sent there: it says why it is not", async (t) => {
  onClock(t);
  const { queue, said, chat } = conversation();
  const done = outside(chat);
  chat.handleDisconnection({ codes: ["307"] });
  queue.send("A text");
  await pass(t, 100);
  assert.deepEqual([queue.items.map(({ state, why }) => [state, why]), done, said], [[["failed", "You are not in this room."]], [], []]);
  queue.goOn();
  await pass(t, 61_000, 1000);
  assert.deepEqual([done, said], [[], []]);
});

test("the list says of a conversation what failed there, or else what is under way or was chosen", async (t) => {
  onClock(t);
  const { queue, chat } = conversation();
  assert.equal(unsentOf("bob@h"), undefined);
  let told = 0;
  document.addEventListener("foyer:drafts", () => told++);
  queue.choose([file]);
  assert.deepEqual([unsentOf("bob@h"), unsentOf("carol@h"), told], [["chosen", "plan.pdf"], undefined, 1]);
  queue.send("And the text");
  await settle();
  assert.deepEqual(unsentOf("bob@h"), ["sending", "plan.pdf"]);
  await pass(t, 31_000, 1000);
  assert.deepEqual(unsentOf("bob@h"), ["failed", "plan.pdf"]);
  queue.remove(queue.items[0]);
  await settle();
  assert.equal(unsentOf("bob@h"), undefined);
  chat.set({ jid: "someone@h", from: "garden@rooms.h/Kim" }); // in private there
  queue.choose([file]);
  assert.deepEqual(unsentOf("garden@rooms.h"), ["chosen", "plan.pdf"]);
  delete (/** @type {any} */ (chat).collection); // it was closed
  assert.equal(unsentOf("garden@rooms.h"), undefined);
});

test("who leaves the page is asked while there are files that may still be sent, and only then", async (t) => {
  onClock(t);
  const { queue } = conversation();
  const isAsked = () => !window.dispatchEvent(new Event("beforeunload", { cancelable: true }));
  queue.choose([new File([], "empty.txt")]);
  await settle();
  assert.equal(isAsked(), false, "what can never be sent");
  queue.choose([file]);
  assert.equal(isAsked(), true, "what was chosen");
  queue.send("");
  await settle();
  assert.equal(isAsked(), true, "what is under way");
  queue.remove(queue.items[1]);
  queue.send("A text"); // which is kept
  assert.equal(isAsked(), false);
  queue.choose([file]);
  stopUnloadPrompt();
  assert.equal(isAsked(), false, "somebody signs out");
});

/** An error that a service answers with. */
function refusal(type, condition, text = "", maxSize = "") {
  const error = { getAttribute: () => type, querySelector: (name) => (name === "text" ? text && { textContent: text } : name === condition ? {} : null) };
  const answer = Object.assign(new Element(), { querySelector: (name) => (name === "error" ? error : name.startsWith("file-too-large") && maxSize ? { textContent: maxSize } : null) });
  return () => Promise.reject(answer);
}

/** A place that is given, and what is answered to what is put there: a status, or nothing where it does not arrive. */
function place(status, text = "", type = "text/plain") {
  globalThis.XMLHttpRequest = /** @type {any} */ (class extends EventTarget {
    upload = new EventTarget();
    status = status;
    responseText = text;
    getResponseHeader = () => type;
    open() {}
    abort() {}
    setRequestHeader() {}
    send() {
      this.dispatchEvent(new Event(status ? "load" : "error"));
    }
  });
  const address = { getAttribute: () => ADDRESS, querySelectorAll: () => [] };
  return async () => ({ querySelector: () => address });
}

const NOT_THROUGH = "The file could not be sent.";
const NOT_TAKEN = "The server does not accept this file.";

test("what is refused says why, may be tried again where that may help, and is in nobody's way; what did not get through is waited for", async (t) => {
  onClock(t);
  for (const [what, answer, why, again, waits] of /** @type {[string, any, string, boolean, boolean][]} */ ([
    ["too large", () => refusal("modify", "not-acceptable", "", "1500"), "It is too large: the limit is 1.5 kB.", false, false],
    ["no name", () => refusal("modify", "bad-request", "The file has no name."), "The file has no name.", false, false],
    ["no room", () => refusal("wait", "resource-constraint", "There is no room for this file."), "There is no room for this file.", true, false],
    ["not allowed", () => refusal("auth", "forbidden"), NOT_TAKEN, true, false],
    ["no service", () => refusal("cancel", "service-unavailable"), NOT_TAKEN, true, false],
    ["a database that is away", () => refusal("wait", "internal-server-error", "Please try again in a moment."), "Please try again in a moment.", true, true],
    ["a line that is lost", () => place(0), NOT_THROUGH, true, true],
    ["cut off", () => place(400, "The file did not arrive whole."), "The file did not arrive whole.", true, true],
    ["a place that was used", () => place(409, "This address has already been used or has expired. Ask for a new one."), NOT_TAKEN, true, false],
    ["a proxy's bound", () => place(413, "<html><h1>413 Request Entity Too Large</h1></html>", "text/html"), "It is too large for the server.", false, false],
    ["another type", () => place(415, "The file is not of the type that was announced."), NOT_TAKEN, false, false],
    ["too often", () => place(429), NOT_THROUGH, true, true],
    ["a proxy without a server", () => place(502, "<html><h1>502 Bad Gateway</h1></html>", "text/html"), NOT_THROUGH, true, true],
    ["a store that is away", () => place(503, "Files cannot be stored or read right now.\n"), "Files cannot be stored or read right now.", true, true],
    ["a full disk", () => place(507), NOT_THROUGH, true, false],
  ])) {
    const { queue, said } = conversation(answer());
    queue.choose([file]);
    queue.send("And the text");
    await pass(t, 100);
    const [{ state, why: told, permanent }] = queue.items;
    assert.deepEqual([state, told, !permanent, said.length === 0], ["failed", why, again, waits], what);
  }
});

test("what can never be sent is refused as it is chosen", async (t) => {
  onClock(t);
  const { queue, said } = conversation();
  const folder = Object.assign(new File(["x"], "folder"), { slice: () => ({ arrayBuffer: () => Promise.reject(new Error("a folder")) }) });
  queue.choose([new File([], "empty.txt"), folder]);
  await settle();
  await settle();
  assert.deepEqual(queue.items.map(({ state, why, permanent }) => [state, why, permanent]), [
    ["failed", "It is empty: there is nothing to send.", true],
    ["failed", "It cannot be read: it is a folder, or it has been changed or deleted.", true],
  ]);
  queue.send("And the text");
  await settle();
  assert.deepEqual(said, ["And the text"]);
});

test("a file that was changed since it was chosen is not tried for ever", async (t) => {
  onClock(t);
  const given = place(0);
  const { queue, said } = conversation(given);
  const changing = new File(["x"], "notes.txt");
  queue.choose([changing]);
  await settle();
  changing.slice = () => /** @type {any} */ ({ arrayBuffer: () => Promise.reject(new Error("changed")) });
  queue.send("And the text");
  await pass(t, 100);
  assert.deepEqual(queue.items.map(({ why, permanent }) => [why, permanent]), [["It cannot be read: it is a folder, or it has been changed or deleted.", true]]);
  assert.deepEqual(said, ["And the text"]);
});
