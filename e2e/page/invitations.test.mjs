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

test("of several invitations that come at once each is offered, one after the other, and says which room it is to", async () => {
  globalThis.document = { getElementById: () => line, createElement: () => new Button() };
  globalThis.window = { converse: { ROOMSTATUS: {}, env: {} } };
  const { listen, tell } = listeners();
  let take = (_message) => {};
  const connection = { addHandler: (handler) => { take = handler; } };
  let added = () => {};
  const rooms = Object.assign(new Map(), { on: (name, listener) => { if (name === "add") added = listener; } });
  const names = { "alice@h": "Alice", "bob@h": "Bob", "carol@h": "Carol" };
  const api = { listen, connection: { get: () => connection }, vcard: { get: async (jid) => ({ fullname: names[jid] }) } };
  /** What rooms are called; one has no name, for which its server says the first part of its address, and one says nothing. */
  const identities = { "attic@rooms": "The attic", "barn@rooms": "barn", "den@rooms": "Den" };
  const info = async (jid) => {
    if (!identities[jid]) throw new Error("forbidden");
    return { querySelector: () => ({ getAttribute: () => identities[jid] }) };
  };
  api.disco = { info };
  receiveInvitations({ api, state: { chatboxes: rooms, roster: new Map() } });
  tell("chatBoxesInitialized");
  tell("connected");
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
  take(invitation("alice", "hall@rooms"));
  await settle();
  assert.match(line.text, /^Alice invites you/);
  rooms.set("hall@rooms", { session: { get: () => "" } });
  added(); // and nothing was pressed here
  assert.equal(line.text, "");
});
