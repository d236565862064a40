// A person's card. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Model, settle } from "./support.mjs";
import { PersonCard } from "../../static/js/chat/people/personCard.js";

const element = () => ({
  open: false, style: { setProperty() {} }, append() {}, addEventListener() {}, setAttribute() {},
  showModal() {
    this.open = true;
  },
});

/** A page with cards, and the labels of the buttons that the card in it has. */
function page() {
  let drawn;
  const html = (strings, ...values) => ({ strings, values });
  const words = (part) => (Array.isArray(part) ? part.flatMap(words) : part?.values ? [...part.strings, ...words(part.values)] : [String(part)]);
  globalThis.document = { createElement: element, body: element() };
  globalThis.window = { converse: { env: { html, render: (template) => (drawn = template) } }, addEventListener() {} };
  globalThis.fetch = async () => ({ ok: false });
  Object.assign(globalThis, { innerWidth: 800, innerHeight: 600, matchMedia: () => ({ matches: false }) });
  return { says: (word) => words(drawn).includes(word) };
}

/** A room as Converse has it, entered or not. */
function room() {
  const session = new Model();
  const occupants = Object.assign(new Model(), { models: [] });
  const own = Object.assign(new Model({ role: "moderator", affiliation: "owner" }), { isSelf: () => true });
  return Object.assign(new Model({ jid: "garden@rooms.h" }), {
    session, occupants, features: new Model(),
    isEntered: () => session.get("connection_status") === "entered",
    getOwnOccupant: () => own,
  });
}

const person = (attributes) => Object.assign(new Model(attributes), { isSelf: () => false });

//
test("a card that was opened while the stream was begun again offers what may be done, once the room is entered", async () => {
  const { says } = page();
  const garden = room();
  const api = { disco: { supports: async () => false } };
  const card = new PersonCard({ state: {}, api }, { domain: "h" }, { addressOf: (jid) => `/chat/with/${jid}` });
  const bob = person({ nick: "Bob", jid: "bob@elsewhere", role: "participant", affiliation: "none", presence: "online" });
  card.show({ jid: "bob@elsewhere", name: "Bob", occupant: bob, standing: "none", room: garden }, null);
  await settle();
  assert.equal(says("Remove from the room"), false);

  garden.session.set({ connection_status: "entered" }); // the room tells who is there first, then that oneself is (XEP-0045 §7.2.2)
  garden.session.trigger("change:connection_status");
  assert.equal(says("Remove from the room"), true);
});

test("a card says that somebody comes, goes and is blocked meanwhile, wherever it was opened", async () => {
  const { says } = page();
  const presence = new Model({ jid: "bob@h", show: "offline" });
  const presences = new Model();
  const blocked = new Set();
  const list = Object.assign(new Model(), { get: (jid) => blocked.has(jid) });
  const roster = new Map([["bob@h", { presence }]]);
  const api = { disco: { supports: async () => true }, blocklist: { get: async () => list }, sendIQ: async () => null };
  globalThis.window.converse.env.stx = () => ({});
  globalThis.window.converse.env.u = { getUniqueId: () => "1" };
  const card = new PersonCard({ state: { roster, presences }, api }, { domain: "elsewhere" }, { addressOf: (jid) => `/chat/with/${jid}` });
  card.show({ jid: "bob@h", name: "Bob" }, null);
  await settle();
  assert.equal(says("Away"), true);
  assert.equal(says("Around"), false);

  presence.set({ show: "online" });
  presences.trigger("change", presence);
  assert.equal(says("Around"), true);

  blocked.add("bob@h");
  list.trigger("add");
  assert.equal(says("Blocked"), true);
  blocked.clear();
  list.trigger("remove");
  assert.equal(says("Around"), true);
});

test("a card that is closed before all is known follows nothing", async () => {
  page();
  let may;
  const list = Object.assign(new Model(), { get: () => undefined });
  const presences = new Model();
  const api = { disco: { supports: () => new Promise((resolve) => (may = resolve)) }, blocklist: { get: async () => list }, sendIQ: async () => null };
  globalThis.window.converse.env.stx = () => ({});
  globalThis.window.converse.env.u = { getUniqueId: () => "1" };
  const card = new PersonCard({ state: { roster: new Map(), presences }, api }, { domain: "elsewhere" }, { addressOf: (jid) => `/chat/with/${jid}` });
  card.show({ jid: "bob@h", name: "Bob" }, null);
  await settle();
  card.dialog.open = false;
  card.unfollow(); // as it does when it is closed
  may(true);
  await settle();
  assert.deepEqual([presences.heard.change, list.heard.add], [[], undefined]);
});

test("a card does not wait for when somebody was last around, which their server may never say", async () => {
  const { says } = page();
  globalThis.window.converse.env.stx = () => ({});
  globalThis.window.converse.env.u = { getUniqueId: () => "1" };
  const api = { disco: { supports: async () => true }, blocklist: { get: async () => Object.assign(new Model(), { get: () => undefined }) }, sendIQ: () => new Promise(() => {}) };
  const card = new PersonCard({ state: { roster: new Map() }, api }, { domain: "h" }, { addressOf: (jid) => `/chat/with/${jid}` });
  card.show({ jid: "bob@elsewhere", name: "Bob" }, null);
  await settle();
  assert.equal(says("Away"), true);
  assert.equal(card.mayBlock, true);
  assert.equal(says(">Block</button>"), true);
});
