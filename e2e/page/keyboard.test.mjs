// Where the focus is after a menu has closed. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";

/** A chat with a menu; `close` says where the focus is after it was closed while something had it. */
async function chatWithMenu(t) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const listening = {};
  const chat = { addEventListener: (name, listener) => (listening[name] = listener), querySelectorAll: () => [], matches: () => false };
  const body = {};
  const document = { body, activeElement: body, getElementById: () => chat };
  Object.assign(globalThis, { document, Element: class {}, MutationObserver: class { observe() {} } });
  const { installKeyboardAccess } = await import("../../static/js/chat/keys/keyboard.js");
  installKeyboardAccess();
  const toggle = { focus: () => (document.activeElement = toggle), checkVisibility: () => true };
  const entry = { checkVisibility: () => false }; // it closed around it
  const menu = { contains: (element) => [toggle, entry].includes(element), querySelector: () => toggle };
  const close = (activeElement) => {
    document.activeElement = activeElement;
    listening["converse:dropdown:hide"]?.({ target: { closest: () => menu } });
    t.mock.timers.tick(1);
    return document.activeElement;
  };
  return { body, toggle, entry, close };
}

// X-38, WCAG 2.4.3.
test("a menu that closes around the focus gives it to its button, and takes it from nobody else", async (t) => {
  const { body, toggle, entry, close } = await chatWithMenu(t);
  assert.equal(close(entry), toggle);
  assert.equal(close(body), toggle);
  const composer = { checkVisibility: () => true };
  assert.equal(close(composer), composer);
});
