// What people are called. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model } from "./support.mjs";
globalThis.document = Object.assign(new EventTarget(), { getElementById: () => ({}) });
globalThis.MutationObserver = class {
  observe() {}
};
const { hideAddresses } = await import("../../static/js/chat/people/names.js");

/** Called as Converse does it: by an address where there is no name. */
const kind = () =>
  class extends Model {
    getDisplayName() {
      return this.get("name") || this.get("jid") || this.get("from");
    }
    async getVCard() {
      return this.card;
    }
  };

/** Has names hidden in a Converse whose question about somebody is of this class, and returns its other classes. */
function hideIn(Question = class { initialize() {} }, vcard = { get: async () => null }) {
  const exports = { ChatBox: kind(), Message: kind(), RosterContact: kind(), MUCOccupant: kind(), VCard: kind(), MUC: kind() };
  hideAddresses({ api: { ...listeners(), elements: { registry: { "converse-contact-approval-alert": Question } }, vcard }, exports }, { domain: "localhost" });
  return exports;
}

test("nobody is called by an address", () => {
  const { MUC: _, ...people } = hideIn();
  for (const Kind of Object.values(people)) {
    assert.equal(new Kind({ jid: "bob@localhost" }).getDisplayName(), "Somebody");
    assert.equal(new Kind({ jid: "bob@localhost", name: "Bob Baker" }).getDisplayName(), "Bob Baker");
  }
  const message = new people.Message({ from: "bob@localhost" }); // that came before its author was known
  assert.equal(message.getDisplayName(), "Somebody");
  message.collection = { chatbox: new people.ChatBox({ jid: "bob@localhost", name: "Bob Baker" }) };
  assert.equal(message.getDisplayName(), "Bob Baker");
});

test("of whom the chat server knows no name, the site says it", async () => {
  const asked = [];
  globalThis.fetch = async (path) => {
    asked.push(path);
    return Response.json({ conversations: path.endsWith("=bob") ? [{ jid: "bob@localhost", name: "Bob Baker" }] : [] });
  };
  const cards = {
    "alice@localhost": { fullname: "Alice Adler" },
    "bob@localhost": { vcard_error: "2026-01-01", image: "there" },
    "nobody@localhost": { image: "there" },
    "bob@elsewhere.example": { image: "there" },
  };
  const vcard = { get: async (model) => cards[typeof model === "string" ? model : model.get("jid")] ?? null };
  hideIn(undefined, vcard);
  assert.equal((await vcard.get("alice@localhost")).fullname, "Alice Adler");
  const again = { vcard_updated: null, vcard_error: null }; // the next page asks once more
  assert.deepEqual(await vcard.get(new Model({ jid: "bob@localhost" })), { image: "there", ...again, fullname: "Bob Baker" });
  assert.deepEqual(await vcard.get("nobody@localhost"), { image: "there", ...again });
  assert.deepEqual(asked.splice(0), ["/xmpp/find?user=bob", "/xmpp/find?user=nobody"]);
  assert.equal(await vcard.get("bob@elsewhere.example"), cards["bob@elsewhere.example"]);
  delete cards["bob@localhost"]; // as of a card that this browser has
  assert.equal(await vcard.get(new Model({ jid: "bob@localhost", fullname: "Bob Baker" })), null);
  assert.deepEqual(asked, []);
  assert.equal((await vcard.get(new Model({ jid: "bob@localhost", vcard_updated: "2026-01-01" }))).fullname, "Bob Baker");
  globalThis.fetch = async () => { throw new TypeError("Failed to fetch"); };
  assert.deepEqual(await vcard.get("nobody@localhost"), { image: "there", ...again });
});

test("with whom a conversation begins is asked for, also where their card was met in a room", async () => {
  const { ChatBox } = hideIn();
  const card = new Model({ jid: "bob@localhost" });
  let asked = 0;
  card.once("visibilityChanged", () => asked++); // as Converse has it wait
  const box = new ChatBox({ jid: "bob@localhost" });
  box.card = card;
  assert.equal(await box.getVCard(), card);
  assert.equal(asked, 1);
  box.card = null; // nobody has cards
  assert.equal(await box.getVCard(), null);
});

test("who is without a name in the same moment is asked for together, as many as the site takes", async () => {
  const asked = [];
  globalThis.fetch = async (path) => {
    const users = new URLSearchParams(path.split("?")[1]).getAll("user");
    asked.push(users);
    return Response.json({ conversations: users.map((user) => ({ jid: `${user}@localhost`, name: `Name of ${user}` })) });
  };
  const vcard = { get: async () => null };
  hideIn(undefined, vcard);
  const people = Array.from({ length: 52 }, (_, i) => `p${i}`);
  const cards = await Promise.all(["p0", ...people].map((user) => vcard.get(`${user}@localhost`)));
  assert.deepEqual(cards.map(({ fullname }) => fullname), ["p0", ...people].map((user) => `Name of ${user}`));
  assert.deepEqual(asked.splice(0), [people.slice(0, 50), people.slice(50)]);
  await vcard.get("p0@localhost"); // a moment later: not kept
  assert.deepEqual(asked, [["p0"]]);
});

test("the site says a name also where the chat server's answer never comes", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.fetch = async () => Response.json({ conversations: [{ jid: "bob@localhost", name: "Bob Baker" }] });
  const vcard = { get: () => new Promise(() => {}) };
  hideIn(undefined, vcard);
  const asked = vcard.get("bob@localhost");
  t.mock.timers.tick(5000);
  for (let turn = 0; turn < 10; turn++) await null; // the chat server's time is over, and the site is asked
  t.mock.timers.tick(20);
  assert.equal((await asked).fullname, "Bob Baker");
});

test("a room that has not said its name is called as the list calls it", () => {
  const { MUC } = hideIn();
  const room = new MUC({ jid: "lobby@conference.localhost" });
  document.dispatchEvent(new CustomEvent("foyer:conversations", { detail: new Map([[room.get("jid"), { name: "Lobby" }]]) }));
  assert.equal(room.getDisplayName(), "Lobby");
  room.set({ name: "The lobby" });
  assert.equal(room.getDisplayName(), "The lobby");
});

test("a question about somebody is drawn again when their name is known", () => {
  const redraws = [];
  class Question {
    constructor(contact) {
      this.contact = contact;
    }
    initialize() {
      this.isReady = true;
    }
    listenTo(model, events, run) {
      model.on(events, run);
    }
    requestUpdate() {
      redraws.push(this.isReady);
    }
  }
  hideIn(Question);
  const contact = new Model({ jid: "bob@localhost" });
  new Question(contact).initialize();
  contact.trigger("vcard:change");
  assert.deepEqual(redraws, [true]);
});
