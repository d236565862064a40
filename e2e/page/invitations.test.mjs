// Invitations to rooms. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, settle } from "./support.mjs";
import { receiveInvitations } from "../../static/js/chat/room/invitations.js";

class Button extends EventTarget {
  dataset = {};
  focused = 0;
  matches = () => true; // somebody is there by keyboard
  focus() {
    this.focused++;
  }
}

/** The line in which an invitation is offered. */
const line = {
  hidden: true,
  children: /** @type {any[]} */ ([]),
  replaceChildren(...children) {
    this.children = children;
  },
  querySelector() {
    return this.children.find((child) => child instanceof Button);
  },
  get text() {
    return this.hidden ? "" : this.children[0];
  },
  press(name) {
    this.children.find((child) => child.textContent === name).dispatchEvent(new Event("click"));
  },
};

const invitation = (from, jid) => ({
  getElementsByTagNameNS: () => [{ getAttribute: () => jid }],
  querySelector: () => null,
  getAttribute: () => `${from}@h/phone`,
});

const names = { "alice@h": "Alice", "bob@h": "Bob", "carol@h": "Carol" };

/** What rooms are called; one has no name, for which its server says the first part of its address, and one says nothing. */
const identities = { "attic@rooms": "The attic", "barn@rooms": "barn", "den@rooms": "Den" };
const info = async (jid) => {
  if (!identities[jid]) throw new Error("forbidden");
  return { querySelector: () => ({ getAttribute: () => identities[jid] }) };
};

/** A page with nobody's invitation yet: what it takes and what it opens, in the test's hands. */
function page() {
  globalThis.document = { getElementById: () => line, createElement: () => new Button() };
  globalThis.window = { converse: { ROOMSTATUS: {}, env: {} } };
  const { listen, tell } = listeners();
  let take = (_message) => {};
  const connection = { addHandler: (handler) => { take = handler; } };
  const rooms = Object.assign(new Map(), { on: (name, listener) => listen.on(`a room: ${name}`, listener) });
  const api = { listen, connection: { get: () => connection }, vcard: { get: async (jid) => ({ fullname: names[jid] }) }, disco: { info } };
  receiveInvitations({ api, state: { chatboxes: rooms, roster: new Map() } });
  tell("chatBoxesInitialized");
  tell("connected");
  const open = (jid) => {
    rooms.set(jid, { session: { get: () => "" } });
    tell("a room: add", rooms.get(jid));
  };
  return { take: (message) => take(message), rooms, open };
}

test("of several invitations that come at once each is offered, one after the other, and says which room it is to", async () => {
  const { take, rooms } = page();
  for (const [from, room] of [["alice", "attic"], ["bob", "barn"], ["carol", "cellar"], ["bob", "attic"], ["carol", "den"]]) take(invitation(from, `${room}@rooms`));
  await settle();
  assert.equal(line.text, "Alice invites you to “The attic”.");
  line.press("Later");
  assert.equal(line.text, "Bob invites you to a room.");
  assert.equal(line.querySelector().focused, 1, "who goes by keyboard is at the next");
  rooms.set("cellar@rooms", { session: { get: () => "" } }); // it was opened from the list
  assert.equal(line.querySelector().dataset.room, "barn@rooms");
  line.press("Open");
  assert.equal(line.text, "Carol invites you to “Den”.");
  assert.equal(line.querySelector().dataset.room, "den@rooms");
  line.press("Open");
  assert.equal(line.hidden, true);
});

test("an invitation goes when its room is opened from elsewhere; another's stays as it is", async () => {
  const { take, open } = page();
  take(invitation("alice", "attic@rooms"));
  take(invitation("carol", "den@rooms"));
  await settle();
  assert.equal(line.text, "Alice invites you to “The attic”.");
  const button = line.querySelector(); // it may have the focus
  open("bob@h");
  open("den@rooms");
  assert.equal(line.querySelector(), button);
  open("attic@rooms");
  assert.equal(line.hidden, true);
});
