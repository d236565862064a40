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
globalThis.window = Object.assign(new EventTarget(), { converse: { env: { html: (strings, ...values) => ({ strings, values }) } } });
globalThis.CSS = /** @type {any} */ ({ supports: () => true });
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
  updated() {}
  listenTo() {}
  requestUpdate() {}
  querySelector(selector) {
    return { ".chat-textarea": this.textarea_, ".composer-styling": { replaceChildren() {} } }[selector] ?? null;
  }
}

/** A conversation that takes a message only once it is let. */
class Chat extends Model {
  /** @type {any[]} */
  said = [];
  messages = messagesOf();
  setChatState() {}
  async sendMessage(said, meant) {
    await new Promise((resolve) => (this.let = () => resolve(undefined)));
    this.said.push([said.body, meant.corrects?.id, meant.answers?.reply_to_id]);
    return {};
  }
}

/** The messages of a conversation, as a composer uses them. */
const messagesOf = (...all) => ({ fetched: Promise.resolve(), findWhere: (name) => all.find((each) => each.get(name)), get: (id) => all.find((each) => each.id === id) });

const _converse = { api: { connection: { connected: () => false }, elements: { registry: {} } } };
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

test("a field that nobody touched takes no draft of another tab, and brings none back that was sent there", async (t) => {
  t.mock.timers.reset();
  t.mock.timers.enable({ apis: ["setTimeout"] });
  drafts.open("alice@h");
  for (const [before, there] of [["", "begun there"], ["begun", ""]]) {
    drafts.set("kim@h", before);
    const composer = await composerOf(new Chat({ jid: "kim@h" }));
    composer.textarea_.value = before;
    composer.updated(new Map());
    drafts.set("kim@h", there);
    composer.isConnected = false;
    composer.disconnectedCallback();
    assert.equal(drafts.of("kim@h"), there);
  }
});

/** A conversation with a message of one's own in it, and its composer. What the composer hears of the conversation it is told. */
async function withMessage(t, jid) {
  t.mock.timers.reset();
  t.mock.timers.enable({ apis: ["setTimeout"] });
  drafts.open("alice@h");
  const chat = new Chat({ jid });
  const message = Object.assign(new Model({ body: "first" }), { id: "m1" });
  chat.messages = messagesOf(message);
  const page = async () => {
    const composer = new Composer(chat);
    composer.listenTo = (model, names, listener) => model?.on?.(names, listener);
    await composer.initialize();
    composer.textarea_ = /** @type {any} */ ({ value: "", focus() {}, setSelectionRange() {} });
    composer.updated(new Map());
    await settle();
    return composer;
  };
  // As Converse does (onMessageCorrecting).
  message.save = (name, value) => {
    message.set(name, value);
    Object.assign(chat.attributes, value ? { correcting: "m1", draft: "first" } : { correcting: undefined, draft: undefined });
    chat.trigger("change:draft");
  };
  const press = (composer, text) => {
    composer.textarea_.value = text;
    composer.onFormSubmitted({ preventDefault() {} });
  };
  return { chat, message, page, press };
}

/** Presses Cancel beside a text that waits. */
function cancel(composer, text) {
  for (const each of composer.queue.items) each.since = 0; // it waits for long
  const all = (part) => (Array.isArray(part) ? part.flatMap(all) : part?.values ? [part, ...all(part.values)] : []);
  const row = all(composer.render()).find(({ strings, values }) => strings[0].startsWith("<li") && values.includes(`Cancel: ${text}`));
  row.values.at(-1)();
}

test("what is edited is what was when Send was pressed, and waits for nothing else", async (t) => {
  const { chat, message, page, press } = await withMessage(t, "erin@h");
  const composer = await page();
  press(composer, "a new one"); // which takes long
  const letFirst = chat.let;
  composer.textarea_.value = "begun";
  message.save("correcting", true);
  assert.equal(composer.textarea_.value, "first");
  press(composer, "second");
  assert.equal(message.get("correcting"), false);
  assert.equal(composer.textarea_.value, "begun", "which comes back as soon as the edit is sent");
  assert.equal(drafts.of("erin@h"), "a new one\nbegun");
  await arrives(chat);
  assert.deepEqual(chat.said, [["second", "m1", undefined]]);
  letFirst();
  await settle();
  assert.deepEqual(chat.said[1], ["a new one", undefined, undefined]);
  assert.equal(drafts.of("erin@h"), "begun");
});

test("what is answered is what was when Send was pressed: by the text, or else by the first file", async (t) => {
  const { chat, page, press } = await withMessage(t, "frank@h");
  const { queue } = await page();
  const answers = { reply_to_id: "r1", reply_to: "frank@h" };
  const file = (name) => new File(["x"], name);
  const answering = () => queue.items.map(({ file, text, answers }) => [file?.name ?? text, answers?.reply_to_id]);
  queue.choose([file("one"), file("two")]);
  chat.save(answers);
  press(await page(), "look");
  assert.deepEqual(answering(), [["one", undefined], ["two", undefined], ["look", "r1"]]);
  assert.equal(chat.get("reply_to_id"), undefined, "what is written next answers nothing");
  for (const each of [...queue.items]) queue.remove(each);
  queue.choose([file("one"), file("two")]);
  chat.save(answers);
  queue.send("");
  assert.deepEqual(answering(), [["one", "r1"], ["two", undefined]]);
});

test("a text that is taken out of what waits is never put into what somebody edits; it answers what it did", async (t) => {
  const { chat, message, page, press } = await withMessage(t, "grace@h");
  const composer = await page();
  chat.save({ reply_to_id: "r1", reply_to: "grace@h" });
  press(composer, "waits");
  composer.textarea_.value = "begun";
  message.save("correcting", true);
  cancel(composer, "waits");
  assert.equal(composer.textarea_.value, "first");
  assert.equal(chat.get("reply_to_id"), "r1");
  message.save("correcting", false);
  assert.equal(composer.textarea_.value, "waits\nbegun");
  message.save("correcting", true);
  press(composer, "second");
  cancel(composer, "second");
  assert.equal(message.get("correcting"), true, "an edit edits again");
  assert.equal(composer.textarea_.value, "second");
});

test("what waited comes back on the next page as it was meant, and what was sent while something was edited does not", async (t) => {
  const { chat, message, page, press } = await withMessage(t, "heidi@h");
  let composer = await page();
  chat.save({ reply_to_id: "r1", reply_to: "heidi@h" });
  press(composer, "an answer");
  message.save("correcting", true);
  press(composer, "second");
  window.dispatchEvent(new Event("pagehide"));
  const next = await withMessage(t, "heidi@h"); // the next page's conversation
  composer = await next.page();
  assert.equal(next.chat.get("reply_to_id"), "r1");
  assert.equal(next.message.get("correcting"), true);
  assert.equal(composer.textarea_.value, "second");
  next.message.save("correcting", false);
  assert.equal(composer.textarea_.value, "an answer");
  press(composer, "an answer");
  next.message.save("correcting", true);
  await arrives(next.chat);
  next.message.save("correcting", false);
  assert.equal(composer.textarea_.value, "");
  assert.equal(drafts.of("heidi@h"), "");
  const { chat: last, page: lastPage } = await withMessage(t, "heidi@h");
  await lastPage();
  assert.equal(last.get("reply_to_id"), undefined);
});

test("what another tab is to edit or answer waits there, until that tab is gone", async (t) => {
  const meant = JSON.stringify({ tab: "another", answers: { reply_to_id: "r1", reply_to: "kim@h" } });
  for (const isThere of [true, false]) {
    Object.defineProperty(globalThis, "navigator", { configurable: true, value: { locks: { request: async (_name, _options, act) => act(isThere ? null : {}) } } });
    const { chat, page } = await withMessage(t, "kim@h");
    drafts.set("kim@h meant", meant);
    const composer = await page();
    await settle();
    assert.equal(chat.get("reply_to_id"), isThere ? undefined : "r1");
    composer.disconnectedCallback();
    assert.equal(drafts.of("kim@h meant"), isThere ? meant : "");
  }
});
