// The menu on top of a conversation. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model, settle } from "./support.mjs";

globalThis.document = Object.assign(new EventTarget(), { body: { dataset: {} }, querySelectorAll: () => [] });
globalThis.CustomEvent ??= class extends Event {};
const { showHeaders } = await import("../../static/js/chat/header.js");
const { offerLevels } = await import("../../static/js/chat/levels.js");

/** Converse's element on top of a conversation, which is told each time what its menu has. */
class Heading {
  updates = 0;
  asks = [];
  model = new Model({ jid: "garden@rooms.h" });
  getHeadingButtons() {
    return new Promise((resolve) => this.asks.push((...names) => resolve(names.map((name) => ({ name, i18n_text: name })))));
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
