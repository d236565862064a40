// Whom to invite into a room. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { onClock, pass } from "./support.mjs";
import { Invite } from "../../static/js/chat/room/invite.js";

test("that nobody has a name is said once the site has said so, and not because it did not answer", async (t) => {
  onClock(t);
  globalThis.window = { converse: { env: { html: (strings, ...values) => ({ values }) } } };
  const answers = [{ ok: true, json: async () => ({ conversations: [] }) }, { ok: false, status: 503 }];
  globalThis.fetch = async () => answers.shift();
  const invitation = new Invite({}, { soon() {}, element: {} });
  invitation.begin();
  const type = (typed) => invitation.render({}).values.find((value) => typeof value === "function")({ target: { value: typed } });
  const said = () => invitation.render({}).values.at(-1);
  type("Zoe");
  assert.equal(said(), "");
  await pass(t, 200);
  assert.equal(said(), "Nobody has that name.");
  type("Bob");
  await pass(t, 200);
  assert.equal(said(), "People could not be searched. Please try again in a moment.");
});

test("Enter invites the only one who has what is typed, once the site has said who has it", async (t) => {
  onClock(t);
  globalThis.window = { converse: { env: { html: (strings, ...values) => ({ values }) } } };
  globalThis.document = { activeElement: null, createElement: () => ({ append() {}, setAttribute() {} }) };
  const people = ["Bob Baker", "Bea Bauer"].map((name) => ({ jid: `${name.slice(0, 3).toLowerCase()}@h`, name }));
  const invited = [];
  /** @type {(() => void)[]} */
  const waiting = [];
  globalThis.fetch = (path, { body } = {}) => new Promise((resolve) => {
    if (body) return resolve((invited.push(String(body)), { ok: true }));
    const q = new URL(path, "http://h").searchParams.get("q");
    const found = people.filter(({ name }) => name.includes(q));
    waiting.push(() => resolve({ ok: true, json: async () => ({ conversations: found }) }));
  });
  const element = { contains: () => false, querySelector: () => null };
  const invitation = new Invite({}, { element, soon() {}, parts: { members: { load() {} } } });
  invitation.begin();
  const [type, press] = invitation.render({ get: () => "garden@rooms.h" }).values.filter((value) => typeof value === "function");
  const enter = async (typed, more = {}) => {
    type({ target: { value: typed } });
    press({ key: "Enter", isComposing: false, ...more });
    for (const answer of waiting.splice(0)) answer();
    await pass(t, 50);
    return invitation.done.size;
  };
  assert.equal(await enter("B"), 0, "which of the two?");
  assert.equal(await enter("Bob", { isComposing: true }), 0, "a word is being composed");
  assert.equal(await enter("Bob", { keyCode: 229 }), 0, "as Safari says it");
  press({ key: "Enter" });
  type({ target: { value: "Bea" } }); // meanwhile
  for (const answer of waiting.splice(0)) answer();
  await pass(t, 50);
  assert.equal(invitation.done.size, 0, "somebody else is meant by now");
  assert.equal(await enter("Bob"), 1);
  assert.equal(await enter("Bob"), 1);
  assert.equal(invited.length, 1, "once");
  assert.deepEqual([...invitation.done], [["bob@h", "Invited"]]);
});

/** Somebody is invited; `answer` has the site say that it was done. */
function inviting(t) {
  onClock(t);
  globalThis.window = { converse: { env: { html: (strings, ...values) => ({ values }) } } };
  let answer;
  globalThis.fetch = () => new Promise((resolve) => (answer = resolve));
  const button = {};
  const field = { focus: () => (document.activeElement = field) };
  const element = { contains: (node) => [button, field].includes(node), querySelector: () => field };
  globalThis.document = { activeElement: button, createElement: () => ({ append() {}, setAttribute() {} }) };
  const invitation = new Invite({}, { element, soon: () => invitation.drawn(), parts: { members: { load() {} } } });
  invitation.begin();
  invitation.found = [{ jid: "bob@h", name: "Bob" }];
  document.activeElement = button;
  const [row] = invitation.render({ get: () => "garden@rooms.h" }).values.find(Array.isArray);
  row.values.findLast((value) => value?.values).values.find((value) => typeof value === "function")();
  const answered = async () => {
    answer({ ok: true });
    await pass(t, 50);
  };
  return { invitation, answered, field };
}

test("what becomes of an invitation into one room is not said in the next", async (t) => {
  const { invitation, answered } = inviting(t);
  invitation.end(); // another room
  await answered();
  assert.equal(invitation.done.size, 0);
});

test("who has invited somebody goes on in the field", async (t) => {
  const { answered, field } = inviting(t);
  await answered();
  assert.equal(document.activeElement, field);
});

test("unless they write a message by then", async (t) => {
  const { answered } = inviting(t);
  const composer = (document.activeElement = {});
  await answered();
  assert.equal(document.activeElement, composer);
});
