// Chats that are made. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, settle } from "./support.mjs";
import { dedupeChats } from "../../static/js/chat/chats.js";

globalThis.window = { converse: { env: { Strophe: { getBareJidFromJid: (jid) => jid.split("/")[0] } } } };

class Room {
  constructor({ jid }) {
    Object.assign(this, { jid, hears: true, collection: {} });
  }
  isValid() {
    return true;
  }
  destroy() {
    assert.fail("what is kept by this address is another's");
  }
  removeHandlers() {
    this.hears = false;
  }
}

/** Makes chats as Converse does: each call makes one; it is known when it is there, if it is valid, and is the first of its address. */
function page() {
  const made = [];
  const chatboxes = new Map();
  const { listen, tell } = listeners();
  const create = (jid, attrs, Model) =>
    new Promise((resolve) => {
      const chat = new Model({ ...attrs, jid });
      const finish = () => {
        if (!chat.isValid()) return chat.destroy(), resolve(null);
        if (!chatboxes.has(jid)) chatboxes.set(jid, chat);
        resolve(chat);
      };
      made.push(Object.assign(finish, { chat }));
    });
  const api = { listen, waitUntil: async () => {}, chatboxes: { create } };
  dedupeChats({ api, state: { chatboxes } });
  const make = api.chatboxes.create;
  api.chatboxes.create = (jids) => make(jids, {}, Room);
  return { api, made, tell, chatboxes };
}

test("messages that come at once have one chat", async () => {
  const { api, made } = page();
  const chats = Promise.all(["bob@localhost", "bob@localhost/phone", "Bob@localhost"].map((jid) => api.chatboxes.create(jid)));
  const other = api.chatboxes.create(["carol@localhost"]);
  await settle();
  assert.equal(made.length, 2); // bob's and carol's
  for (const finish of made) finish();
  const [first, ...others] = await chats;
  for (const chat of others) assert.equal(chat, first);
  assert.equal((await other)[0].jid, "carol@localhost");
  assert.equal(await api.chatboxes.create("bob@localhost"), first);
});

// the answer that a room waits for does not come any more when its stream is gone.
test("a room that never answered is made again on the next stream", async () => {
  const { api, made, tell } = page();
  const chat = api.chatboxes.create("garden@rooms.localhost");
  await settle();
  assert.equal(made.length, 1);
  tell("reconnected");
  await settle();
  assert.equal(made.length, 2);
  made[1]();
  assert.equal((await chat).jid, "garden@rooms.localhost");
});

test("a room that answers after all, when it is made again, is not taken for the one that is shown", async () => {
  const { api, made, tell, chatboxes } = page();
  const chat = api.chatboxes.create("garden@rooms.localhost");
  await settle();
  tell("reconnected");
  await settle();
  for (const finish of made) finish();
  const shown = await chat;
  assert.equal(shown, made[1].chat);
  assert.equal(chatboxes.get("garden@rooms.localhost"), shown);
  assert.deepEqual(made.map(({ chat: { hears } }) => hears), [false, true]);
  assert.deepEqual(made.map(({ chat: { collection } }) => Boolean(collection)), [false, true]); // it is kept once
});
