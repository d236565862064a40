// Whether somebody looks at a page, as its browser's other pages know it. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, settle } from "./support.mjs";

const page = Object.assign(new EventTarget(), { hidden: false });
globalThis.document = page;
globalThis.window = { converse: { env: { stx: String.raw } } };

/** The browser's locks, which are granted when the test says so. */
const locks = { asked: [], held: 0 };
Object.defineProperty(globalThis, "navigator", {
  value: {
    locks: {
      request: (_name, _options, use) => void locks.asked.push(use),
      query: async () => ({ held: Array.from({ length: locks.held }, () => ({ name: "foyer-visible" })) }),
    },
  },
  configurable: true,
});
const grant = () => {
  for (const use of locks.asked.splice(0)) {
    locks.held++;
    use().then(() => locks.held--);
  }
};
const show = (visible) => {
  page.hidden = !visible;
  page.dispatchEvent(new Event("visibilitychange"));
};

test("a page that was visible for a moment is not taken for one that is", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { isVisibleElsewhere, tellWhoLooks } = await import("../../static/js/chat/connection/looking.js");
  const { listen } = listeners();
  tellWhoLooks({ api: { listen, send() {}, connection: { connected: () => true } } });
  const held = async () => (grant(), await settle(), locks.held);
  assert.equal(await held(), 1);
  show(false);
  assert.equal(await held(), 0);
  show(true);
  show(false); // before the lock is granted
  assert.equal(await held(), 0);
  assert.equal(await isVisibleElsewhere(), false);
  for (const visible of [true, false, true]) show(visible);
  assert.equal(await held(), 1);
  show(false);
  assert.equal(await held(), 0);
});
