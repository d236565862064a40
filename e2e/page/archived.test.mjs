// What another server's archive tells of conversations: what was said last, and what is unread.
// Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, onClock, pass } from "./support.mjs";

globalThis.document = /** @type {any} */ ({ addEventListener() {}, dispatchEvent() {} });
globalThis.window = /** @type {any} */ ({ converse: { env: { Strophe: { getBareJidFromJid: (jid) => jid.split("/")[0] } } } });
const { conversationsIn, listArchived } = await import("../../static/js/chat/list/archived.js");

/** An element: its name, its attributes, and what is in it. */
const element = (localName, attributes = {}, ...content) => ({
  localName,
  namespaceURI: attributes.xmlns ?? "jabber:client",
  children: content.filter((child) => typeof child !== "string"),
  textContent: content.map((child) => child.textContent ?? child).join(""),
  getAttribute: (name) => attributes[name] ?? null,
});
const body = (text) => element("body", {}, text);

const own = "alice@localhost";
let minute = 0;
/** A message of the archive, as it comes; its author calls it "own" and the archive's id. */
function archived(id, from, to, ...content) {
  const stamp = new Date(Date.UTC(2026, 10, 28, 10, minute++)).toISOString();
  const message = element("message", { from: `${from}@localhost/phone`, to: `${to}@localhost`, type: "chat", id: `own ${id}` }, ...content);
  return element("message", {}, element("result", { id }, element("forwarded", {}, element("delay", { stamp }), message)));
}

/** Of each conversation: what was said last, and how much is unread. */
const told = (stanzas, read = {}) =>
  Object.fromEntries([...conversationsIn(stanzas, own, (jid) => read[jid.split("@")[0]])].map(([jid, { last, unread }]) => [jid.split("@")[0], `${last.text}${last.kind ? ` (${last.kind})` : ""}: ${unread}`]));

test("what comes after the message that was read is unread; of ids nothing is expected", () => {
  const stanzas = [archived("zz", "bob", "alice", body("one")), archived("aa", "bob", "alice", body("two")), archived("mm", "carol", "alice", body("hello")), archived("bb", "bob", "alice", body("three"))];
  assert.deepEqual(told(stanzas, { bob: "zz" }), { bob: "three: 2", carol: "hello: 1" });
  assert.deepEqual(told(stanzas, { bob: "bb", carol: "mm" }), { bob: "three: 0", carol: "hello: 0" });
  assert.deepEqual(told(stanzas, { bob: "older" }), { bob: "three: 3", carol: "hello: 1" });
});

test("who answers has read", () => {
  const stanzas = [archived("1", "bob", "alice", body("one")), archived("2", "alice", "bob", body("yes?")), archived("3", "bob", "alice", body("two"))];
  assert.deepEqual(told(stanzas), { bob: "two: 1" });
  assert.deepEqual(told(stanzas.slice(0, 2)), { bob: "yes?: 0" });
});

test("an edit is no message of its own, and what is deleted is not unread", () => {
  const edit = (of, text) => [body(text), element("replace", { xmlns: "urn:xmpp:message-correct:0", id: `own ${of}` })];
  const retract = (of) => [body("retracted"), element("retract", { xmlns: "urn:xmpp:message-retract:1", id: `own ${of}` })];
  const [one, two] = [archived("1", "bob", "alice", body("one")), archived("2", "bob", "alice", body("two"))];
  assert.deepEqual(told([one, two, archived("3", "bob", "alice", ...edit("2", "twice"))]), { bob: "twice: 2" });
  assert.deepEqual(told([one, two, archived("3", "bob", "alice", ...edit("1", "once"))]), { bob: "two: 2" });
  assert.deepEqual(told([one, two, archived("3", "bob", "alice", ...edit("2", "twice"))], { bob: "2" }), { bob: "twice: 0" });
  assert.deepEqual(told([one, two, archived("3", "bob", "alice", ...retract("2"))]), { bob: " (deleted): 1" });
  assert.deepEqual(told([one, two, archived("3", "bob", "alice", ...retract("1"))]), { bob: "two: 1" });
  assert.deepEqual(told([one, archived("3", "alice", "bob", ...edit("1", "of another's"))]), { bob: "one: 1" });
  assert.deepEqual(told([archived("3", "bob", "alice", ...retract("1"))]), {}, "of what is not there");
});

test("nobody's text keeps the browser busy", () => {
  const long = (part) => `http://a${part.repeat(20_000)} x`;
  for (const part of ["/upload", "/upload/", "/u"]) assert.match(told([archived("1", "bob", "alice", body(long(part)))]).bob, /: 1$/);
});

test("receipts, markers and one's own notes are no conversation", () => {
  assert.deepEqual(told([archived("1", "bob", "alice", element("received", { xmlns: "urn:xmpp:receipts" })), archived("2", "alice", "alice", body("a note"))]), {});
  const read = [archived("1", "bob", "alice", body("one")), archived("2", "bob", "alice", element("displayed", { xmlns: "urn:xmpp:chat-markers:0" }))];
  assert.deepEqual(told(read, { bob: "2" }), { bob: "one: 0" });
});

test("a line says what a message says", () => {
  const address = "https://upload.localhost/1b/plan%20b.pdf";
  const line = (...content) => told([archived("1", "bob", "alice", ...content)]).bob;
  assert.equal(line(body(address), element("x", { xmlns: "jabber:x:oob" }, element("url", {}, address))), "plan b.pdf (file): 1");
  assert.equal(line(body("cannot be read"), element("encrypted", { xmlns: "urn:xmpp:omemo:2" })), " (encrypted): 1");
  const quoted = element("fallback", { xmlns: "urn:xmpp:fallback:0", for: "urn:xmpp:reply:0" }, element("body", { start: "0", end: "8" }));
  assert.equal(line(body("> hi 🐝\n\nYes,\nplease"), quoted), "Yes, please: 1");
});

test("a stream that is lost before it tells what was read does not keep the next from telling the conversations", async (t) => {
  onClock(t);
  const { listen, tell } = listeners();
  const taken = [];
  const query = async () => ({ messages: [archived("1", "bob", "alice", body("hello"))] });
  const markers = { asked: new Promise(() => {}), known: new Map() };
  const roster = new Map([["bob@localhost", { getDisplayName: () => "Bob" }]]);
  listArchived({ api: { listen, archive: { query }, connection: { connected: () => true } }, state: { roster }, session: new Map([["bare_jid", own]]) }, { domain: "localhost" }, markers, (found) => taken.push([...found.keys()]));
  tell("connected");
  await pass(t, 1000);
  markers.asked = Promise.resolve();
  tell("reconnected");
  await pass(t, 10_000, 500);
  assert.deepEqual(taken, [["bob@localhost"]]);
});
