// Menus. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";

test("a menu closes when something in it was chosen, after that was carried out; not with one among several choices", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.Element = class {};
  const listening = [];
  globalThis.document = { getElementById: () => ({ addEventListener: (name, listener) => listening.push(listener) }) };
  const { closeMenus } = await import("../../static/js/chat/dialogs/menus.js");
  closeMenus();
  const menu = { hidden: false, hide: () => (menu.hidden = true) };
  /** What is clicked: an entry of the menu, or something else. */
  const clicked = (isEntry, isChoice = false) =>
    Object.assign(new Element(), {
      closest: (selector) => (!isEntry || (isChoice && selector.includes('.dropdown-item:not([role="radio"])')) ? null : selector.includes(".dropdown-item") ? clicked(true) : menu),
    });
  for (const target of [clicked(false), clicked(true, true)]) {
    for (const listener of listening) listener({ target });
    t.mock.timers.tick(1);
    assert.equal(menu.hidden, false);
  }
  for (const listener of listening) listener({ target: clicked(true) });
  assert.equal(menu.hidden, false);
  t.mock.timers.tick(1);
  assert.equal(menu.hidden, true);
});
