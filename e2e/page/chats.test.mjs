// Chats that are made. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, settle } from "./support.mjs";
import { oneChatEach } from "../../static/js/chat/chats.js";

globalThis.window = { converse: { env: { Strophe: { getBareJidFromJid: (jid) => jid.split("/")[0] } } } };

/** Makes chats as Converse does: each call makes one, and it is known when it is there. */
function page() {
  const made = [];
  const chatboxes = new Map();
  const { listen, tell } = listeners();
  const create = (jid) =>
    new Promise((resolve) => {
      const chat = { jid };
      made.push(() => (chatboxes.set(jid, chat), resolve(chat)));
    });
  const api = { listen, waitUntil: async () => {}, chatboxes: { create } };
  oneChatEach({ api, state: { chatboxes } });
  return { api, made, tell };
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
