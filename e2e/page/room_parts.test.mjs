// The parts of a room's panel, and answers that come late. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Model, onClock, pass, settle } from "./support.mjs";

const element = () => ({ style: {}, dataset: {}, append() {}, addEventListener() {}, setAttribute() {} });
globalThis.document = Object.assign(new EventTarget(), { body: { dataset: {} }, createElement: element, getElementById: element, querySelectorAll: () => [] });
globalThis.CustomEvent ??= class extends Event {};
globalThis.ResizeObserver ??= class {
  observe() {}
};
globalThis.window = { converse: { env: { html: (parts, ...values) => ({ parts, values }) } } };
const { About } = await import("../../static/js/chat/room/about.js");
const { watchTopics } = await import("../../static/js/chat/room/topic.js");
const { Members } = await import("../../static/js/chat/room/members.js");

const room = (jid) => Object.assign(new Model({ jid }), { features: new Model(), config: new Model(), getDisplayName: () => jid, getOwnOccupant: () => undefined });

/** What fetches are answered with, in the test's hands. */
function site() {
  const asked = [];
  globalThis.fetch = () => new Promise((resolve) => asked.push((answer) => resolve({ ok: true, json: async () => answer })));
  return async (which, answer) => {
    asked[which](answer);
    await settle();
  };
}

test("that a level was saved is not said in the next room", async () => {
  const answer = site();
  const [garden, lobby] = [room("garden@rooms.h"), room("lobby@rooms.h")];
  const panel = { room: garden, soon() {} };
  const about = new About({}, {}, panel);
  const choose = () => {
    const { parts, values } = about.render(panel.room);
    values[parts.findIndex((part) => part.endsWith("<select @change="))]({ target: { value: "none" } });
  };
  choose();
  await settle();
  panel.room = lobby;
  about.enter();
  await answer(0, {});
  assert.equal(about.said, "");
  choose();
  await settle();
  await answer(2, {}); // after the levels, which are asked for again
  assert.equal(about.said, "Saved.");
});

test("a level that was not saved is not shown as chosen", async () => {
  const orchard = room("orchard@rooms.h");
  const about = new About({}, {}, { room: orchard, soon() {} });
  const select = { value: "none" };
  globalThis.fetch = async () => /** @type {any} */ ({ ok: false });
  handler(about.render(orchard), "<select @change=")({ target: select });
  for (let i = 0; i < 3; i++) await settle();
  assert.match(about.said, /could not be saved/);
  assert.equal(select.value, "mentions");
});

/** The first function in a template, or in those within it, that stands behind some text. */
function handler({ parts = [], values = [] }, text) {
  for (const [i, value] of values.entries()) {
    if (typeof value === "function" && parts[i].endsWith(text)) return value;
    const within = value?.parts && handler(value, text);
    if (within) return within;
  }
  return undefined;
}

// XEP-0045 §8.1
test("a topic that a room did not take is said to be so, and stays where it was typed", async (t) => {
  onClock(t);
  const sent = [];
  /** @type {((message: Element) => boolean)[]} */
  const handlers = [];
  let connected = false;
  globalThis.Element = /** @type {any} */ (class {
    constructor(attributes, parts) {
      Object.assign(this, { getAttribute: (name) => attributes[name] ?? null, querySelector: (name) => (name in parts ? { textContent: parts[name] } : null) });
    }
  });
  Object.assign(window.converse.env, { stx: (_parts, ...values) => values, u: { getUniqueId: () => `topic-${sent.length}` } });
  class MUC extends Model {
    features = new Model();
    config = new Model();
    getDisplayName = () => "Garden";
    getOwnOccupant = () => new Model({ role: "moderator", affiliation: "member" });
    setSubject(topic) {
      sent.push(topic); // and Converse listens for nothing
    }
  }
  const connection = { addHandler: (hear) => handlers.push(hear) };
  const tell = (...what) => handlers.at(-1)?.(new Element(...what));
  watchTopics({ api: { connection: { connected: () => connected, get: () => connection }, send: (values) => sent.push(values.at(-1)) }, exports: { MUC } });
  const garden = new MUC({ jid: "garden@rooms.h", subject: { text: "Weeds" } });
  const about = new About({}, {}, { room: garden, soon() {}, element: { contains: () => false, querySelector: () => null } });
  const save = () => {
    about.editing = "topic";
    return handler(about.render(garden), "@submit=")({ preventDefault() {}, target: { elements: { value: { value: "Roses" } } } });
  };
  await save();
  assert.deepEqual([about.editing, about.said, sent.length], ["topic", "The room did not answer. Please try again in a moment.", 0], "without a stream");

  connected = true;
  about.said = "";
  const unanswered = save();
  await pass(t, 10_000, 1000);
  await unanswered;
  assert.deepEqual([about.editing, about.said], ["topic", "The room did not answer. Please try again in a moment."]);

  const refused = save();
  assert.equal(tell({ id: "another" }, { subject: "Roses", body: "said with a subject" }), true, "listens on");
  assert.equal(tell({ id: "topic-1", type: "error" }, { "error > text": "Not now." }), false);
  await refused;
  assert.deepEqual([about.editing, about.said], ["topic", "Not now."]);

  const taken = save();
  assert.equal(tell({ type: "groupchat" }, { subject: "Roses" }), false); // as Prosody does, by no id
  await taken;
  assert.deepEqual([about.editing, about.said, sent], ["", "", ["Roses", "Roses", "Roses"]]);
});

/** The first value in a template, or in those within it, that stands behind some text; with how it is bound. */
function bound({ parts = [], values = [] }, text) {
  for (const [i, value] of values.entries()) {
    if (parts[i].includes(text)) return { value, as: parts[i].slice(parts[i].lastIndexOf(" ") + 1) };
    const within = value?.parts && bound(value, text);
    if (within) return within;
  }
  return undefined;
}

/** A panel's About, of a room whose owner is there; the answer to what is saved of it, in the test's hands. */
function changed() {
  class MUC extends Model {
    features = new Model();
    config = new Model();
    getDisplayName = () => "Garden";
    getOwnOccupant = () => new Model({ role: "moderator", affiliation: "owner" });
    /** @type {(() => void)[]} */
    answers = [];
    setSubject() {
      return new Promise((resolve) => this.answers.push(() => resolve({})));
    }
  }
  const garden = new MUC({ jid: "garden@rooms.h", subject: { text: "Weeds" } });
  const focused = [];
  const panel = { room: garden, soon() {}, has: true, element: { contains: () => panel.has, querySelector: (selector) => ({ focus: () => focused.push(selector) }) } };
  const about = new About({}, {}, panel);
  const save = () => handler(about.render(garden), "@submit=")({ preventDefault() {}, target: { elements: { value: { value: "Roses" } } } });
  const edit = (/** @type {string} */ name) => {
    const all = (part) => (Array.isArray(part) ? part.flatMap(all) : part?.values ? [part, ...all(part.values)] : []);
    const button = all(about.render(garden)).find(({ parts, values }) => parts[0].includes("data-edit") && values[0] === name);
    button.values.at(-1)();
  };
  return { garden, about, panel, focused, save, edit };
}

test("what was saved closes its own field, and not one that somebody opened since", async (t) => {
  onClock(t);
  const { garden, about, save, edit } = changed();
  for (const [next, stays] of [["name", "name"], ["topic", "topic"], ["", ""]]) {
    edit("topic");
    const saved = save();
    if (next === "topic") about.escape(); // and the same one is opened again
    if (next) edit(next);
    garden.answers.pop()?.();
    await saved;
    assert.equal(about.editing, stays, next);
    about.escape();
  }
});

test("what was saved gives the focus to what changes it, unless it is elsewhere", async (t) => {
  onClock(t);
  const { garden, panel, focused, save, edit } = changed();
  for (const has of [true, false]) {
    edit("topic");
    focused.length = 0;
    const saved = save();
    panel.has = has;
    garden.answers.pop()?.();
    await saved;
    assert.deepEqual(focused, has ? ['[data-edit="topic"]'] : []);
  }
});

test("what somebody changes elsewhere takes no place of what is typed: it is what the field begins with", () => {
  const { garden, about, edit } = changed();
  edit("topic");
  assert.deepEqual(bound(about.render(garden), 'name="value"'), { value: "Weeds", as: "value=" }); // the attribute, not the property, is not shown once somebody typed
});

test("who belonged to a room before somebody was invited is not shown after that", async () => {
  const answer = site();
  const members = new Members({}, {}, { room: room("garden@rooms.h"), soon() {} });
  const who = (...names) => ({ people: names.map((name) => ({ jid: `${name}@h`, name, standing: "member" })) });
  members.load();
  members.load(); // Bob was invited
  await answer(1, who("alice", "bob"));
  await answer(0, who("alice"));
  assert.deepEqual(members.known.map(({ name }) => name), ["alice", "bob"]);
});

test("who has no connection, or one that is dead, stays in the room and hears it; with one they leave", async () => {
  const { leave } = await import("../../static/js/chat/room/leave.js");
  Object.assign(window.converse.env, { stx: String.raw, u: { getUniqueId: () => "ping" } });
  const told = [];
  globalThis.navigator ??= { onLine: true };
  let connected = false;
  let answer = Promise.resolve(null); // as Strophe has it when nothing came in time
  const connection = { connected: () => connected, authenticated: () => connected };
  const api = { connection, confirm: async () => true, alert: (kind, title) => told.push(title), sendIQ: () => answer };
  const garden = Object.assign(room("garden@rooms.h"), { close: async () => told.push("left") });
  const page = { api, session: new Model({ domain: "h" }) };
  await leave(page, garden);
  assert.deepEqual(told.splice(0), ["You are still in the room"]);
  connected = true; // as far as the page knows
  await leave(page, garden);
  assert.deepEqual(told.splice(0), ["You are still in the room"]);
  answer = Promise.resolve({});
  await leave(page, garden);
  assert.deepEqual(told, ["left"]);
});
