// The menu on top of a conversation. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model, settle } from "./support.mjs";

globalThis.document = Object.assign(new EventTarget(), { body: { dataset: {} }, querySelectorAll: () => [] });
globalThis.CustomEvent ??= class extends Event {};
const { showHeaders } = await import("../../static/js/chat/header.js");
const { offerLevels } = await import("../../static/js/chat/unread/levels.js");

/** Converse's element on top of a conversation, which is told each time what its menu has. */
class Heading {
  updates = 0;
  asks = [];
  model = new Model({ jid: "garden@rooms.h" });
  getHeadingButtons() {
    return new Promise((resolve) => this.asks.push((...entries) => resolve(entries.map((entry) => (typeof entry === "string" ? { name: entry, i18n_text: entry } : entry)))));
  }
  requestUpdate() {
    this.updates++;
  }
}

function heading() {
  const words = (part) => (Array.isArray(part) ? part.flatMap(words) : part?.values ? part.values.flatMap(words) : [part]);
  globalThis.window = { converse: { env: { html: (strings, ...values) => ({ values }) } } };
  const made = {};
  showHeaders({ api: { elements: { registry: { "converse-chat-heading": Heading, "converse-muc-heading": Heading }, define: (name, type) => (made[name] = type) } } }, {});
  const element = new made["converse-muc-heading"]();
  const shown = () => element.shownMenu.values.flatMap(words);
  return { element, offers: (name) => shown().includes(name), order: (...names) => shown().filter((word) => names.includes(word)) };
}

test("a menu has what can be done now, although that changed while it was put together", async () => {
  const { element, offers } = heading();
  element.updated();
  element.updated(); // the room was entered meanwhile
  element.asks[1]?.("leave", "destroy");
  await settle();
  element.asks[0]("leave");
  await settle();
  assert.equal(offers("destroy"), true);
});

test("what destroys stands last in it, whoever offered it first", async () => {
  const { element, order } = heading();
  element.updated();
  element.asks[0]("pin", "block", "close");
  await settle();
  assert.deepEqual(order("pin", "block", "close"), ["pin", "close", "block"]);
});

test("it is drawn again when other notifications are chosen, wherever that is", async () => {
  const { element } = heading();
  document.querySelectorAll = (selector) => (selector.includes("converse-muc-heading") ? [element] : []);
  globalThis.fetch = async () => ({ ok: true, json: async () => ({ conversations: [] }) });
  offerLevels({ api: listeners() });
  await settle();
  assert.equal(element.updates, 1); // what was chosen is known now
  document.dispatchEvent(new CustomEvent("foyer:levels"));
  assert.equal(element.updates, 2);
});

test("of levels there is one entry each, and the one that is chosen is marked, also when another is", async () => {
  const { element, order } = heading();
  const level = (name, chosen) => ({ name: "notifications", i18n_text: name, chosen });
  const marks = () => order("all", "none", true, false);
  element.updated();
  element.asks[0](level("all", true), level("none", false));
  await settle();
  assert.deepEqual(marks(), [true, "all", false, "none"]);
  element.updated();
  element.asks[1](level("all", false), level("none", true));
  await settle();
  assert.deepEqual(marks(), [false, "all", true, "none"]);
});

test("a press chooses the level that it names, and no other", async () => {
  const api = listeners();
  const posted = [];
  globalThis.fetch = async (url, { method, body }) => {
    if (method === "POST") posted.push(JSON.parse(body));
    return { ok: true, json: async () => ({ conversations: posted.map(({ jid, level }) => ({ jid, level })) }) };
  };
  offerLevels({ api });
  const offered = (type) => api.tell("getHeadingButtons", { model: new Model({ jid: "lobby@rooms.h", type }) }, [])[0].filter(({ name }) => name === "notifications");
  const words = (type) => offered(type).map(({ i18n_text, chosen }) => `${chosen ? "* " : ""}${i18n_text}`);
  assert.deepEqual(words("chatbox"), ["* Notifications: all messages", "Notifications: none"]);
  assert.deepEqual(words("chatroom"), ["* Notifications: only when I am mentioned", "Notifications: all messages", "Notifications: none"]);
  await offered("chatroom")[1].handler(new Event("click"));
  await settle();
  assert.deepEqual(posted, [{ jid: "lobby@rooms.h", level: "all" }]);
  assert.deepEqual(words("chatroom"), ["Notifications: only when I am mentioned", "* Notifications: all messages", "Notifications: none"]);
  await offered("chatroom")[1].handler(new Event("click")); // again
  assert.equal(posted.at(-1).level, "all");
});
