// What stands above an answer. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Model } from "./support.mjs";
import { showQuotedMessages } from "../../static/js/chat/messages/replies.js";

/** Converse's elements, which find what is answered. */
class Element {
  updates = 0;
  heard = [];
  initialize() {}
  listenTo(model, events) {
    this.heard.push(model);
    model.on(events, () => this.requestUpdate());
  }
  stopListening(model) {
    this.heard = this.heard.filter((other) => other !== model);
    model.heard = {};
  }
  requestUpdate() {
    this.updates++;
  }
  getRepliedMessage() {
    return this.answered;
  }
  getReplyToMessage() {
    return this.answered;
  }
}

class Message extends Model {
  getDisplayName() {
    return "Alice";
  }
  getMessageText() {
    return this.get("body");
  }
  isRetracted() {
    return Boolean(this.get("retracted"));
  }
}

/** All text of a template, in its order. */
const text = (template) => (Array.isArray(template) ? template.map(text).join("") : typeof template === "string" ? template : "");

function made() {
  globalThis.window = { converse: { env: { html: (strings, ...values) => strings.raw.flatMap((part, i) => (i < values.length ? [part, values[i]] : [part])) } } };
  const room = Object.assign(new Model({ type: "chatroom", jid: "garden@rooms.h" }), { messages: new Model() });
  const types = {};
  const _converse = {
    api: { elements: { registry: { "converse-reply-context": class extends Element {}, "converse-reply-preview": class extends Element {} }, define: (name, type) => (types[name] = type) } },
    session: new Model({ bare_jid: "bob@h" }),
    state: { chatboxes: { get: (jid) => (jid === room.get("jid") ? room : undefined) } },
  };
  showQuotedMessages(_converse);
  return { room, types };
}

const said = (attributes) => new Message({ type: "groupchat", sender: "them", nick: "Alice", time: "2026-11-27T12:00:00Z", ...attributes });

test("what is answered stands in words, as it reads now", () => {
  const { room, types } = made();
  const quote = (answered) => Object.assign(new types["converse-reply-context"](), { model: said({ body: "yes", reply_to_id: "1" }), model_with_messages: room, answered });
  const words = (answered) => text(quote(answered).render());
  const cake = said({ body: "Bring the *cake*" });
  const element = quote(cake);
  assert.match(text(element.render()), /Alice.*Bring the cake/s);
  assert.deepEqual(element.heard, [cake]);
  cake.set({ retracted: "2026-11-27T12:01:00Z" });
  assert.match(text(element.render()), /Deleted message/);
  assert.deepEqual(element.heard, [cake]); // once
  const file = words(said({ body: "https://h/upload/x/plan%20a.pdf", oob_url: "https://h/upload/x/plan%20a.pdf" }));
  assert.match(file, /📎 plan a\.pdf/);
  assert.doesNotMatch(file, /https/);
  assert.match(words(undefined), /An earlier message/);
});

test("it leads to its place where the browser knows that", () => {
  const { room, types } = made();
  const isDisabled = (chat, answered) => Object.assign(new types["converse-reply-context"](), { model: said({ reply_to_id: "1" }), model_with_messages: chat, answered }).render()[3]; // after who pinned it
  assert.equal(isDisabled(room, undefined), false);
  assert.equal(isDisabled(Object.assign(new Model({ jid: "garden@rooms.h/Alice" }), { messages: new Model() }), said({ body: "in private" })), true);
});

test("above the field it is the same", () => {
  const { room, types } = made();
  const preview = (answered) => text(Object.assign(new types["converse-reply-preview"](), { model: room, answered }).render());
  assert.equal(preview(said({ body: "soon" })), "");
  room.set("reply_to_id", "1");
  assert.match(preview(said({ body: "_soon_" })), /Replying to Alice.*soon/s);
  assert.match(preview(said({ body: "soon", sender: "me" })), /Replying to yourself/);
  assert.match(preview(undefined), /Replying to an earlier message/);
});

// What was begun is there before the messages are, as a page begins; and who reads back comes to what an answer was to.
test("what is answered may come later than what answers it", () => {
  const { room, types } = made();
  room.set("reply_to_id", "1");
  const quote = Object.assign(new types["converse-reply-context"](), { model: said({ reply_to_id: "1" }), model_with_messages: room });
  const preview = Object.assign(new types["converse-reply-preview"](), { model: room });
  for (const element of [quote, preview]) {
    assert.match(text(element.render()), /earlier message/);
    room.messages.trigger("add");
    assert.equal(element.updates, 1);
    element.answered = said({ body: "And when?" });
    assert.match(text(element.render()), /Alice.*And when\?/s);
    assert.deepEqual(element.heard, [element.answered]);
    room.messages.trigger("add"); // of others
    assert.equal(element.updates, 1);
  }
});
