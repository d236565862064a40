// Blocking somebody. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, settle } from "./support.mjs";
import { blockPeople } from "../../static/js/chat/people/blocking.js";

test("that somebody could not be blocked is said, and their conversation stays", async () => {
  const refusal = { querySelector: () => ({ textContent: "You block too many people." }) };
  const answers = [async () => "list", async () => Promise.reject(refusal), async () => Promise.reject(null)]; // null: no answer
  const said = [];
  const answer = (...jids) => answers.shift()(...jids);
  const api = { ...listeners(), alert: (type, title, lines) => said.push(type, title, ...lines), blocklist: { add: answer, remove: answer } };
  blockPeople({ api }, {});
  assert.equal(await api.blocklist.add("bob@h"), "list");
  assert.deepEqual(said, []);
  assert.equal(await api.blocklist.add("bob@h"), undefined); // by which the conversation is closed, or not
  assert.deepEqual(said, ["error", "That did not work", "You block too many people."]);
  await api.blocklist.remove("bob@h");
  assert.equal(said.at(-1), "Please try again in a moment.");
});

/** The menu of a conversation with Bob, where people come from there, and what its buttons do. */
function menuOf(roster) {
  const done = [];
  const api = { ...listeners(), confirm: async (title) => done.push(title), alert() {}, blocklist: { add: async (jid) => done.push(`block ${jid}`), async remove() {} } };
  blockPeople({ api, state: { chatboxes: new Map([["bob@h", { close: () => done.push("close") }]]) } }, { roster });
  const buttons = ["details", "block"].map((name) => ({ name, handler: () => done.push(`as Converse does: ${name}`) }));
  const element = { model: { get: () => "bob@h", getDisplayName: () => "Bob" } };
  const [shown = buttons] = api.tell("getHeadingButtons", element, buttons);
  const press = (name) => shown.find((button) => button.name === name).handler({ preventDefault() {} });
  return { done, press };
}

test("who is blocked stays in the list of people where that is the site's", async () => {
  const { done, press } = menuOf("everyone");
  press("block");
  press("details");
  await settle();
  assert.deepEqual(done, ["Block Bob?", "as Converse does: details", "block bob@h", "close"]);
});

test("who is blocked goes from one's own list of people", () => {
  const { done, press } = menuOf("none");
  press("block");
  assert.deepEqual(done, ["as Converse does: block"]);
});

/** A page that keeps a list of who is blocked, and the server's, which is another by now. */
function kept(server) {
  globalThis.window = { converse: { env: { stx: () => ({}), Strophe: { getBareJidFromJid: (jid) => jid.split("/")[0] } } } };
  const { listen, tell } = listeners();
  const blocked = new Map();
  const entry = (jid) => ({ get: () => jid, destroy: () => blocked.delete(jid) });
  const list = {
    get models() {
      return [...blocked.values()];
    },
    get: (jid) => blocked.get(jid),
    create: ({ jid }) => blocked.set(jid, entry(jid)),
  };
  list.create({ jid: "bob@h" });
  const handlers = [];
  const answer = () => ({ getAttribute: () => "result", querySelectorAll: () => server.map((jid) => ({ getAttribute: () => jid })) });
  const api = {
    listen, alert() {}, sendIQ: async () => answer(), blocklist: { get: async () => list, add() {}, remove() {} },
    connection: { get: () => ({ addHandler: (handle) => handlers.push(handle) }) },
  };
  blockPeople({ api, session: new Map([["bare_jid", "alice@h"]]) }, {});
  return { tell, handlers, blocked: () => [...blocked.keys()] };
}

test("what another device blocked between two pages is known to the second, and what it blocked no more", async () => {
  const { tell, blocked } = kept(["carol@h"]);
  tell("connected");
  await settle();
  assert.deepEqual(blocked(), ["carol@h"]);
});

const push = (from) => ({ getAttribute: () => from });

test("after a stream was lost it is known whom other devices block, and heard of again", async () => {
  const server = ["carol@h"];
  const { tell, handlers, blocked } = kept(server);
  tell("reconnected");
  await settle();
  assert.deepEqual(blocked(), ["carol@h"]);
  server.push("dave@h");
  assert.equal(handlers[0](push("mallory@h/phone")), true);
  await settle();
  assert.deepEqual(blocked(), ["carol@h"], "somebody else is no server of one's own");
  assert.equal(handlers[0](push(null)), true);
  await settle();
  assert.deepEqual(blocked(), ["carol@h", "dave@h"]);
  server.pop();
  assert.equal(handlers[0](push("alice@h")), true);
  await settle();
  assert.deepEqual(blocked(), ["carol@h"]);
});
