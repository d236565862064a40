// What is said beside the chat. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import "./support.mjs";

const element = () => ({
  dataset: {}, hidden: true, said: "",
  setAttribute() {}, toggleAttribute() {}, addEventListener() {}, contains: () => true, focus() {},
  querySelector: () => null, querySelectorAll: () => [],
  replaceChildren(text) {
    this.said = text;
  },
  append(...more) {
    this.said += more.map((part) => part.textContent ?? part).join("");
  },
});
const elements = {};
globalThis.document = Object.assign(new EventTarget(), {
  body: { dataset: {} }, createElement: element, getElementById: (id) => (elements[id] ??= element()), querySelectorAll: () => [], querySelector: () => null,
});
globalThis.window = globalThis;
globalThis.HTMLElement ??= class {};
globalThis.matchMedia = /** @type {any} */ ((query) => ({ matches: query.startsWith("(min-width") }));
globalThis.sessionStorage = { getItem: () => null, setItem() {}, removeItem() {} };
const { panel } = await import("../../static/js/chat/panel.js");
const notice = document.getElementById("chat-notice");
const said = () => (notice.hidden ? "" : notice.said);

test("what did not work is said until it does", () => {
  panel.warn("search", "The search did not work.");
  assert.equal(said(), "The search did not work.");
  panel.warn("link"); // something else worked
  assert.equal(said(), "The search did not work.");
  panel.warn("search");
  assert.equal(said(), "");
});

test("what did not work is said until the panel is opened again; what always holds stays", () => {
  panel.warn("internals", "Parts do not work.");
  panel.warn("place", "That message no longer exists.");
  panel.open();
  assert.equal(said(), "Parts do not work.");
  panel.warn("internals");
});

test("a part of the page that comes is no visit: what did not work is said still", () => {
  panel.prepare();
  panel.open();
  panel.warn("contact", "That did not work. Please try again.");
  document.dispatchEvent(new CustomEvent("foyer:page"));
  assert.equal(said(), "That did not work. Please try again.");
  document.dispatchEvent(new CustomEvent("foyer:visit"));
  assert.equal(said(), "");
});

test("what did not work takes nothing away that is said of the connection", () => {
  panel.notice("You are offline.");
  panel.warn("search", "The search did not work.");
  panel.warn("search");
  panel.open();
  assert.equal(said(), "You are offline.");
  panel.warn("part", "A part did not load.", { href: "/", label: "Reload" });
  assert.equal(said(), "A part did not load. Reload");
  panel.notice();
  assert.equal(said(), "A part did not load. Reload");
  panel.warn("part");
  assert.equal(said(), "");
});

test("a conversation that opens on the page of the chat leaves the panel of the next page as it was", () => {
  panel.close();
  document.body.dataset.page = "chat";
  panel.warn("link", "There is no such message.");
  panel.open();
  assert.equal(said(), "");
  delete document.body.dataset.page;
  assert.equal(panel.visible(), false);
  panel.open();
  assert.equal(panel.visible(), true);
});
