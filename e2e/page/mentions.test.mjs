// Whom a message in a room is to. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model } from "./support.mjs";

globalThis.document = Object.assign(new EventTarget(), { body: { dataset: {} } });
globalThis.CustomEvent ??= class extends Event {};
globalThis.window = {};
Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
const { mentions } = await import("../../static/js/chat/unread/mentions.js");
const { notifyPeople } = await import("../../static/js/chat/unread/notifications.js");

// As in internal/stanza/addressed_test.go.
test("a name counts with an @ before it, or if it is of several words", () => {
  const texts = {
    "will you come? Mark my words, in May": false, "bob": false, "@bob": true, "@Bob: hi": true, "(@bob's)": true, "well, @BOB.": true, "@bobby": false,
    "@bob-smith": false, "@bob.smith": false, "@bob_smith": false, "to x@bob": false, "И@bob": false, "@bobby, @bob": true, "Adler asks": false,
    "bob adler asks": true, "@Bob Adler": true, "x@Bob Adler": true, "Bob Adlers": false, "Kebob Adler": false, "Bob Adler-Smith": false, "": false,
  };
  for (const [text, want] of Object.entries(texts)) assert.equal(mentions(text, ["Bob Adler", "bob"]), want, text);
  for (const name of ["a.b", "(c)", "d[e"]) assert.ok(mentions(`@${name}!`, [name]), name);
});

test("whom a message is to, what Converse has of it", () => {
  class Chat extends Model {
    handleUnreadMessage() {}
  }
  class MUC extends Chat {}
  notifyPeople({ api: listeners(), exports: { ChatBox: class extends Chat {}, MUC }, state: {} }, { name: "Bob Adler", user: "bob", jid: "bob@h" }, {});
  const room = new MUC({ jid: "garden@rooms.h", nick: "Gardener" });
  const isTo = (body, more = {}, said = body) => room.isUserMentioned(Object.assign(new Model({ body, ...more }), { getMessageText: () => said }));
  const refers = (uri, begin = 0) => ({ references: [{ type: "mention", begin, end: begin + 3, uri }] });
  assert.equal(isTo("bob, or Gardener", { reply_to: null, references: null }), false);
  assert.equal(isTo("@gardener"), true);
  room.set({ nick: undefined });
  assert.equal(isTo("@gardener, @ six"), false, "where one was never");
  room.set({ nick: "Gardener" });
  assert.equal(isTo("bob, hi", refers("xmpp:garden@rooms.h/bob")), true);
  assert.equal(isTo("Bobby, hi", refers("xmpp:garden@rooms.h/Bob%20Adler")), true);
  assert.equal(isTo("Bobby, hi", refers("xmpp:bob@h")), true);
  room.set({ nick: "Ivan (O'Neil) Ивановский" });
  const encoded = encodeURI(room.get("nick"));
  for (const name of [room.get("nick"), encoded, encoded.replaceAll(/['()]/g, (sign) => `%${sign.charCodeAt().toString(16)}`), `Ivan%20(O'Neil)%20${encodeURI("иВАНОВСКИЙ")}`, `${encoded}?message`]) {
    assert.equal(isTo("Ivan, hi", refers(`xmpp:garden@rooms.h/${name}`)), true, name);
  }
  room.set({ nick: "Gardener" });
  assert.equal(isTo("Bobby, hi", refers("garden@rooms.h/Bob Adler")), true);
  assert.equal(isTo("bob, hi", { references: [{ type: "mention", begin: NaN, uri: "xmpp:bob@h" }] }), true, "wherever it stands");
  for (const uri of ["xmpp:carol@h", "%zz", "xmpp:bob%zz@h", "xmpp:garden@rooms.h/Carol", "xmpp:bob@h/Carol", null]) assert.equal(isTo("Bobby, hi", refers(uri)), false, uri);
  assert.equal(isTo("> Bobby\nyes", refers("xmpp:bob@h", 2), "yes"), false, "what it answers refers to nobody");
  assert.equal(isTo("yes", { reply_to: "garden@rooms.h/Gardener" }), true);
  assert.equal(isTo("yes", { reply_to: "garden@rooms.h/bob adler" }), true);
  assert.equal(isTo("yes", { reply_to: "garden@rooms.h/Carol" }), false);
});
