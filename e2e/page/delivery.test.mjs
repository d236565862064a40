// Whether what was said was read. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { hook, Model } from "./support.mjs";
import { followDelivery } from "../../static/js/chat/messages/delivery.js";

const MARKERS = "urn:xmpp:chat-markers:0";

/** What Converse offers, with a conversation of one message, and what the chat does with it. */
function conversation(type = "chatbox") {
  const said = new Model({ msgid: "said", body: "Hello" });
  class ChatBox extends Model {
    messages = { findWhere: ({ msgid }) => (msgid === "said" ? said : undefined) };
    handleChatMarker() {
      return "as Converse does";
    }
  }
  const hooks = {};
  const on = (name, listener) => (hooks[name] ??= []).push(listener);
  followDelivery(/** @type {any} */ ({ api: { listen: { on } }, exports: { ChatBox } }));
  const chat = new ChatBox({ type });
  /** What is asked for with a message. */
  const asked = async (message) => {
    const elements = [];
    const stanza = { c: (name, { xmlns }) => (elements.push(`${name} of ${xmlns}`), stanza), root: () => stanza };
    await hook(hooks.createMessageStanza ?? [], chat, { message, stanza });
    return elements;
  };
  /** A marker comes. */
  const told = async (id, attributes) => {
    const displayed = { getAttribute: () => id };
    const stanza = { getElementsByTagNameNS: (namespace, name) => (namespace === MARKERS && name === "displayed" ? [displayed] : []) };
    // A listener is given the stanza, and what is known of it so far.
    const known = await hook(hooks.parseMessage ?? [], stanza, attributes);
    return chat.handleChatMarker(known);
  };
  return { said, asked, told };
}

// XEP-0333 §4.1: who wants to know asks with the message itself.
test("a message between two asks to be told that it was read, and keeps when it was", async () => {
  const { said, asked, told } = conversation();
  assert.deepEqual(await asked(said), [`markable of ${MARKERS}`]);
  assert.deepEqual(await asked(new Model({ chat_state: "composing" })), []);
  assert.equal(await told("said", { sender: "them", time: "2026-11-30T10:00:00Z" }), "as Converse does");
  assert.equal(said.get("marker_displayed"), "2026-11-30T10:00:00Z");
});

test("what one has read oneself on another device, and what is unknown, changes no message", async () => {
  const { said, told } = conversation();
  await told("said", { sender: "me", time: "2026-11-30T10:00:00Z" });
  await told("another", { sender: "them", time: "2026-11-30T10:00:00Z" });
  assert.equal(said.get("marker_displayed"), undefined);
});

test("in a room nobody is asked whether they have read", async () => {
  const { said, asked } = conversation("chatroom");
  assert.deepEqual(await asked(said), []);
});
