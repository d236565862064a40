// A file on its way. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Model, onClock, pass, settle } from "./support.mjs";

globalThis.document ??= new EventTarget();
const { Queue } = await import("../../static/js/chat/composer/queue.js");

/** A conversation whose server says nothing when a place for a file is asked for, if nothing else is given: Strophe forgot who waits for the answer. */
function conversation(sendIQ = () => new Promise(() => {})) {
  globalThis.window = { converse: { env: { stx: () => ({}), u: { getUniqueId: (name) => name } } } };
  globalThis.Element ??= class {};
  const said = [];
  const chat = Object.assign(new Model(), { messages: { findWhere() {} }, sendMessage: async ({ body }) => said.push(body) });
  const api = {
    connection: { connected: () => true, authenticated: () => false, reconnect() {} },
    disco: { features: { get: async () => [{ id: "upload.h", dataforms: { models: [] } }] } },
    hook: async (name, context, value) => value,
    sendIQ,
  };
  return { queue: new Queue({ api, session: new Model({ domain: "h" }) }, chat), said };
}

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
    setRequestHeader() {}
    send() {
      this.dispatchEvent(new Event(status ? "load" : "error"));
    }
  });
  const address = { getAttribute: () => "https://h/upload/x/plan.pdf", querySelectorAll: () => [] };
  return async () => ({ querySelector: () => address });
}

const NOT_THROUGH = "The file did not get through.";
const NOT_TAKEN = "The server does not take this file.";

test("what is refused says why, may be tried again where that may help, and is in nobody's way; what did not get through is waited for", async (t) => {
  onClock(t);
  for (const [what, answer, why, again, waits] of /** @type {[string, any, string, boolean, boolean][]} */ ([
    ["too large", () => refusal("modify", "not-acceptable", "", "1500"), "It is too large: a file may have 1.5 kB.", false, false],
    ["no name", () => refusal("modify", "bad-request", "The file has no name."), "The file has no name.", false, false],
    ["no room", () => refusal("wait", "resource-constraint", "There is no room for this file."), "There is no room for this file.", true, false],
    ["not allowed", () => refusal("auth", "forbidden"), NOT_TAKEN, true, false],
    ["no service", () => refusal("cancel", "service-unavailable"), NOT_TAKEN, true, false],
    ["a database that is away", () => refusal("wait", "internal-server-error", "Please try again in a moment."), "Please try again in a moment.", true, true],
    ["a line that is lost", () => place(0), NOT_THROUGH, true, true],
    ["cut off", () => place(400, "The file did not arrive whole."), "The file did not arrive whole.", true, true],
    ["a place that was used", () => place(409, "This address was used already, or has expired. Ask for a new one."), NOT_TAKEN, true, false],
    ["a proxy's bound", () => place(413, "<html><h1>413 Request Entity Too Large</h1></html>", "text/html"), "It is too large for the server.", false, false],
    ["another type", () => place(415, "The file is not of the type that was announced."), NOT_TAKEN, false, false],
    ["too often", () => place(429), NOT_THROUGH, true, true],
    ["a proxy without a server", () => place(502, "<html><h1>502 Bad Gateway</h1></html>", "text/html"), NOT_THROUGH, true, true],
    ["a store that is away", () => place(503, "Files cannot be kept or read just now.\n"), "Files cannot be kept or read just now.", true, true],
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
    ["failed", "It cannot be read: it is a folder, or was changed or deleted since.", true],
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
  assert.deepEqual(queue.items.map(({ why, permanent }) => [why, permanent]), [["It cannot be read: it is a folder, or was changed or deleted since.", true]]);
  assert.deepEqual(said, ["And the text"]);
});
