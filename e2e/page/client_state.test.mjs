// Whether somebody looks at a page, as its browser's other pages know it. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, settle } from "./support.mjs";

const page = Object.assign(new EventTarget(), { hidden: false });
globalThis.document = page;
const browser = new EventTarget();
globalThis.addEventListener = browser.addEventListener.bind(browser);
globalThis.CustomEvent ??= class extends Event {};
const heard = [];
globalThis.BroadcastChannel = class extends EventTarget {
  constructor(name) {
    super();
    heard.push(this);
  }
  postMessage() {
    for (const each of heard) if (each !== this) each.dispatchEvent(new Event("message"));
  }
};
const others = new BroadcastChannel("of another page");
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
  const { isActiveElsewhere, reportClientState } = await import("../../static/js/chat/connection/clientState.js");
  const { listen } = listeners();
  reportClientState({ api: { listen, send() {}, connection: { connected: () => true } } });
  const held = async () => (grant(), await settle(), locks.held);
  assert.equal(await held(), 1);
  show(false);
  assert.equal(await held(), 0);
  show(true);
  show(false); // before the lock is granted
  assert.equal(await held(), 0);
  assert.equal(await isActiveElsewhere(), false);
  for (const visible of [true, false, true]) show(visible);
  assert.equal(await held(), 1);
  show(false);
  assert.equal(await held(), 0);
});

test("nobody looks at a page that is visible, once nothing was done in any page for five minutes", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: Date.now() });
  const { isPageActive, reportClientState } = await import("../../static/js/chat/connection/clientState.js?again");
  const { listen, tell } = listeners();
  const sent = [];
  const changes = [];
  page.hidden = false;
  page.addEventListener("foyer:looking", () => changes.push(isPageActive()));
  reportClientState({ api: { listen, send: (stanza) => sent.push(/^<(\w+)/.exec(stanza)[1]), connection: { connected: () => true } } });
  tell("connected");
  const minutes = (n) => t.mock.timers.tick(n * 60_000);
  minutes(4);
  browser.dispatchEvent(new Event("keydown"));
  minutes(4);
  others.postMessage(); // something was done in another
  minutes(4);
  assert.equal(isPageActive(), true);
  assert.deepEqual(sent, ["active"]);
  minutes(1);
  assert.equal(isPageActive(), false);
  minutes(1);
  assert.deepEqual(sent, ["active", "inactive"]);
  tell("reconnected");
  minutes(1);
  assert.deepEqual(sent, ["active", "inactive", "inactive"], "a stream begins as one that somebody looks at");
  browser.dispatchEvent(new Event("pointermove"));
  assert.equal(isPageActive(), true);
  assert.deepEqual(sent, ["active", "inactive", "inactive", "active"]);
  assert.deepEqual(changes, [false, true]);
  minutes(6);
  others.postMessage();
  assert.equal(isPageActive(), true);
});

test("who reads without a key or a pointer looks: the focus or the selection moves inside the page", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: Date.now() });
  const heard = new Map();
  globalThis.addEventListener = (name, listener, { capture = false } = {}) => heard.set(`${name} ${capture}`, listener);
  t.after(() => (globalThis.addEventListener = browser.addEventListener.bind(browser)));
  const { isPageActive, reportClientState } = await import("../../static/js/chat/connection/clientState.js?reading");
  page.hidden = false;
  reportClientState({ api: { listen: listeners().listen, send() {}, connection: { connected: () => true } } });
  for (const name of ["focus", "selectionchange"]) {
    t.mock.timers.tick(5 * 60_000);
    assert.equal(isPageActive(), false);
    heard.get(`${name} true`)(new Event(name)); // neither comes to the window but on its way to where it is
    assert.equal(isPageActive(), true, name);
  }
});

test("the server is told once that nobody looks, whatever changes then, and again where a stream begins", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: Date.now() });
  const { reportClientState } = await import("../../static/js/chat/connection/clientState.js?once");
  const { listen, tell } = listeners();
  const sent = [];
  page.hidden = false;
  reportClientState({ api: { listen, send: (stanza) => sent.push(/^<(\w+)/.exec(stanza)[1]), connection: { connected: () => true } } });
  tell("connected");
  show(false);
  t.mock.timers.tick(10_000);
  others.postMessage();
  t.mock.timers.tick(6 * 60_000); // nothing is done in others either
  others.postMessage();
  t.mock.timers.tick(10_000);
  assert.deepEqual(sent, ["active", "inactive"]);
  tell("reconnected");
  others.postMessage();
  t.mock.timers.tick(10_000);
  assert.deepEqual(sent, ["active", "inactive", "inactive"]);
});
