// What is begun in a composer and what waits to be sent, where somebody goes to another
// conversation. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Model, settle } from "./support.mjs";

const stored = new Map();
globalThis.localStorage = /** @type {any} */ ({
  getItem: (key) => stored.get(key) ?? null,
  setItem: (key, value) => stored.set(key, value),
  removeItem: (key) => stored.delete(key),
});
globalThis.document = Object.assign(new EventTarget(), { body: { dataset: {} } });
globalThis.window = Object.assign(new EventTarget(), { converse: { env: {} } });
globalThis.CustomEvent ??= class extends Event {};
const { withComposer } = await import("../../static/js/chat/composer/form.js");
const { drafts } = await import("../../static/js/chat/composer/drafts.js");
const { queueOf } = await import("../../static/js/chat/composer/queue.js");

class Form {
  isConnected = true;
  textarea_ = { value: "" };
  constructor(model) {
    this.model = model;
  }
  async initialize() {}
  disconnectedCallback() {}
  listenTo() {}
  requestUpdate() {}
  querySelector(selector) {
    return selector === ".chat-textarea" ? this.textarea_ : null;
  }
}

/** A conversation that takes a message only once it is let. */
class Chat extends Model {
  async sendMessage() {
    await new Promise((resolve) => (this.let = () => resolve(undefined)));
    return {};
  }
}

const _converse = { api: {} };
const Composer = withComposer(_converse, Form);

async function composerOf(chat) {
  const composer = new Composer(chat);
  await composer.initialize();
  return composer;
}

/** A conversation in which one text waits to be sent, and another was begun when somebody went elsewhere. */
async function left(t, jid, begun) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  drafts.open("alice@h");
  const chat = new Chat({ jid });
  const composer = await composerOf(chat);
  queueOf(_converse, chat).send("sent");
  composer.textarea_.value = begun;
  composer.isConnected = false;
  composer.disconnectedCallback();
  return chat;
}

async function arrives(chat) {
  chat.let();
  await settle();
}

test("what was sent is no draft once it has gone, also where somebody left the conversation before", async (t) => {
  const chat = await left(t, "bob@h", "begun");
  assert.equal(drafts.of("bob@h"), "sent\nbegun", "the page could end before it is sent");
  await arrives(chat);
  assert.equal(drafts.of("bob@h"), "begun");
});

test("what was begun while something waited is there for who comes back", async (t) => {
  const chat = await left(t, "carol@h", "begun");
  const again = await composerOf(chat);
  assert.equal(again.draft, "begun");
  again.textarea_.value = again.draft;
  await arrives(chat);
  assert.equal(drafts.of("carol@h"), "begun");
});

test("what is written elsewhere meanwhile stays", async (t) => {
  const chat = await left(t, "dave@h", "");
  drafts.set("dave@h", "of another tab");
  await arrives(chat);
  assert.equal(drafts.of("dave@h"), "of another tab");
});
