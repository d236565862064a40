// The panel of a room, and which part of it is drawn. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model } from "./support.mjs";

const element = () => ({
  style: {}, dataset: {}, classList: { toggle() {} }, append() {}, addEventListener() {}, setAttribute() {}, focus() {},
  contains: () => false, querySelector: () => null,
});
const elements = {};
globalThis.document = Object.assign(new EventTarget(), { body: { dataset: {} }, createElement: element, getElementById: (id) => (elements[id] ??= { ...element(), parentElement: element() }), querySelectorAll: () => [] });
globalThis.CustomEvent ??= class extends Event {};
/** Who watches the size of what. @type {[string, () => void][]} */
const watched = [];
globalThis.ResizeObserver = /** @type {any} */ (class {
  constructor(listener) {
    this.listener = listener;
  }
  observe(what) {
    watched.push([Object.keys(elements).find((id) => elements[id] === what) ?? "", this.listener]);
  }
});
globalThis.sessionStorage = /** @type {any} */ ({ getItem: () => null, setItem() {}, removeItem() {} });
let covers = false;
globalThis.getComputedStyle = /** @type {any} */ (() => ({ position: covers ? "absolute" : "static" }));
globalThis.fetch = () => new Promise(() => {});
let drawn = "";
/** What is drawn, as its elements' class. */
const html = (parts, ...values) => ({ parts, values });
const render = ({ parts, values }) => (drawn = values[parts.findIndex((part) => part.endsWith("room-panel__part--"))]);
globalThis.window = Object.assign(globalThis, { converse: { ROOMSTATUS: {}, env: { html, render } } });
const { RoomPanel } = await import("../../static/js/chat/room/panel.js");

/** A room that is in sight or not, and of which nothing is known yet. */
class Room extends Model {
  features = new Model();
  config = new Model();
  messages = { models: [] };
  affiliation = "none";
  constructor(jid, hidden) {
    super({ jid, type: "chatroom", hidden });
  }
  isEntered = () => false;
  getDisplayName = () => this.get("jid");
  getOwnOccupant = () => new Model({ affiliation: this.affiliation });
}

/** Two rooms, and a panel beside them. */
function page() {
  const [garden, lobby] = [new Room("garden@rooms.h", false), new Room("lobby@rooms.h", true)];
  const chatboxes = Object.assign(new Model(), { models: [garden, lobby] });
  const panel = new RoomPanel({ api: listeners(), state: { chatboxes } }, {});
  const go = (to) => {
    for (const room of chatboxes.models) room.set({ hidden: room !== to });
    chatboxes.trigger("change:hidden");
  };
  return { garden, lobby, panel, go };
}

test("a part that was chosen stays so, in rooms that have it, or say so a little later", () => {
  const { garden, lobby, panel, go } = page();
  garden.features.set({ "urn:foyer:pinned:0": true });
  garden.affiliation = "owner";
  for (const part of /** @type {const} */ (["pinned", "settings"])) {
    go(garden);
    panel.open(part);
    assert.equal(drawn, part);
    go(lobby);
    assert.equal(drawn, "about", "which every room has");
    panel.toggle("about");
    assert.equal(panel.element.hidden, true, "what is open closes");
    panel.open(part);
    go(garden);
    assert.equal(drawn, part);
    go(lobby);
    lobby.features.set({ "urn:foyer:pinned:0": true });
    lobby.affiliation = "owner";
    panel.soon(0);
    assert.equal(drawn, part);
    lobby.features.set({ "urn:foyer:pinned:0": false });
    lobby.affiliation = "none";
  }
});

test("when it comes to cover the conversation, or no longer does, that is reached as it is to be", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.matchMedia = /** @type {any} */ (() => ({ matches: false }));
  const conversation = { inert: false };
  const { querySelectorAll } = document;
  document.querySelectorAll = /** @type {any} */ (() => [conversation]);
  t.after(() => (document.querySelectorAll = querySelectorAll));
  const { panel } = page();
  const [of, resized] = watched.at(-1) ?? ["", () => {}];
  assert.equal(of, "chat");
  panel.open("about");
  for (covers of [true, false]) {
    resized();
    t.mock.timers.tick(200);
    assert.equal(conversation.inert, covers);
  }
});
