// Pictures of who has left a room. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model, settle } from "./support.mjs";
import { showWhoLeft } from "../../static/js/chat/room/formerMembers.js";

/** Converse's element of a picture, which shows what it has. */
class Avatar {
  updates = 0;
  initialize() {}
  listenTo() {}
  stopListening() {}
  requestUpdate() {
    this.updates++;
  }
  render() {
    return "Converse's";
  }
}

test("where a room was asked for a picture in vain, the site is asked who said it, once for each author", async () => {
  const asked = [];
  const answers = [{ ok: false, status: 503 }, { ok: true, status: 200, json: async () => ({ people: [{ jid: "bob@h", name: "Bob", picture: "/avatars/bob" }] }) }];
  globalThis.fetch = async (path) => (asked.push(path), answers[Math.min(asked.length, answers.length) - 1]);
  globalThis.window = { converse: { env: { html: (strings, ...values) => values } } };
  let Made;
  showWhoLeft({ api: { ...listeners(), elements: { registry: { "converse-avatar": Avatar }, define: (name, type) => (Made = type) } } }, { follow: true });

  const room = new Model({ jid: "garden@rooms.h" });
  const avatar = (card, id = "1") => {
    const message = new Model({ type: "groupchat", sender: "them", occupant_id: "b", nick: "Bob", "stanza_id garden@rooms.h": id });
    return Object.assign(new Made(), { width: 40, height: 40, name: "Bob", model: Object.assign(message, { collection: { chatbox: room }, vcard: new Model(card) }) });
  };
  const vain = { vcard_error: "2026-11-27" };

  for (const card of [{}, { image: "AAAA", ...vain }]) assert.equal(avatar(card).render(), "Converse's");
  assert.deepEqual(asked, []);

  const first = avatar(vain);
  first.render();
  await settle();
  assert.equal(first.render(), "Converse's"); // the site did not answer

  const others = [avatar(vain, "2"), avatar(vain, "3")];
  for (const other of others) other.render();
  await settle();
  for (const other of others) {
    assert.equal(other.updates, 1);
    assert.ok(other.render().includes("/avatars/bob"));
  }
  assert.deepEqual(asked, ["/xmpp/rooms/garden/people?said=1", "/xmpp/rooms/garden/people?said=2"]);
});

// XEP-0045 §7.5: what is said in private is in no archive of the room's.
test("beside what somebody says in private, and above it, is the picture of who said the rest", async () => {
  const asked = [];
  globalThis.fetch = async (path) => (asked.push(path), { ok: true, status: 200, json: async () => ({ people: [{ jid: "carol@h", name: "Carol", picture: "/avatars/carol" }] }) });
  globalThis.window = { converse: { env: { html: (strings, ...values) => values } } };
  let Made;
  showWhoLeft({ api: { ...listeners(), elements: { registry: { "converse-avatar": Avatar }, define: (name, type) => (Made = type) } } }, { follow: true });
  const vcard = new Model({ vcard_error: "2026-11-27" });
  const room = Object.assign(new Model({ jid: "den@rooms.h" }), { messages: { models: [] } });
  const occupant = Object.assign(new Model({ nick: "Carol", occupant_id: "c" }), { vcard, collection: { chatroom: room } });
  const whisper = Object.assign(new Model({ type: "chat", sender: "them", nick: "Carol" }), { vcard, collection: { chatbox: occupant } });
  const avatars = [occupant, whisper].map((model) => Object.assign(new Made(), { width: 40, height: 40, name: "Carol", model }));

  for (const avatar of avatars) assert.equal(avatar.render(), "Converse's", "nothing they said to all is here yet");
  const say = (id, occupant_id, sender = "them") => room.messages.models.push(new Model({ type: "groupchat", sender, nick: "Carol", occupant_id, "stanza_id den@rooms.h": id }));
  say("1", "c");
  say("2", "another Carol");
  say("3", "c", "me");
  for (const avatar of avatars) avatar.render();
  await settle();
  for (const avatar of avatars) assert.ok(avatar.render().includes("/avatars/carol"));
  assert.deepEqual(asked, ["/xmpp/rooms/den/people?said=1"]);

  const { model } = avatars[0];
  for (const other of [room, new Model({ type: "chat", sender: "them" }), Object.assign(new Model({ type: "chat", sender: "me" }), { collection: { chatbox: occupant } })]) {
    Object.assign(avatars[0], { model: Object.assign(other, { vcard }) });
    assert.equal(avatars[0].render(), "Converse's");
  }
  Object.assign(avatars[0], { model });
  assert.ok(avatars[0].render().includes("/avatars/carol"), "nobody else's meanwhile");
});

test("who was asked for a picture in vain while they were away is asked once they come", () => {
  const { listen, tell } = listeners();
  const asked = [];
  const card = (error) => new Model({ error, vcard_error: error && "2026-11-27" });
  const cards = new Map([["den@rooms.h/Bob", card("item-not-found")], ["den@rooms.h/Dave", card("service-unavailable")], ["den@rooms.h/Eve", card()]]);
  const api = { listen, vcard: { update: (of) => asked.push(of.get("vcard_error") ?? of) } };
  showWhoLeft({ api, state: { vcards: cards } }, { follow: false });
  const room = { occupants: new Model() };
  tell("chatRoomInitialized", room);
  const here = (nick, presence) => room.occupants.trigger("change:presence", new Model({ from: `den@rooms.h/${nick}`, presence }));
  here("Bob", "offline");
  for (const nick of ["Carol", "Dave", "Eve"]) here(nick, "online"); // never asked, not told by this server, and known
  assert.deepEqual(asked, []);
  here("Bob", "online");
  here("Bob", "online");
  assert.deepEqual(asked, [cards.get("den@rooms.h/Bob")]);
});
