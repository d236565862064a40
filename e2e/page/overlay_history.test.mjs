// What Back does while something lies above a conversation. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { settle } from "./support.mjs";

/** A browser's history: going takes a moment. */
class History {
  entries = [{ state: null, path: "/chat" }];
  at = 0;

  get state() {
    return this.entries[this.at].state;
  }

  pushState(state, _, path = this.entries[this.at].path) {
    this.entries.splice(++this.at, Infinity, { state, path });
  }

  replaceState(state, _, path = this.entries[this.at].path) {
    this.entries[this.at] = { state, path };
  }

  go(by) {
    setImmediate(() => {
      this.at += by;
      const event = Object.assign(new Event("popstate", { cancelable: true }), { state: this.state });
      events.dispatchEvent(event);
    });
  }
}

/** Turbo, as far as it knows of history. */
const turbo = {
  visits: /** @type {string[]} */ ([]),
  restorationIdentifier: "",
  location: new URL("http://h/chat"),
  update(method, url) {
    this.restorationIdentifier = crypto.randomUUID();
    this.location = url;
    method.call(history, { turbo: { restorationIdentifier: this.restorationIdentifier } }, "", url.pathname);
  },
  push(url) {
    this.update(history.pushState, url);
  },
  replace(url) {
    this.update(history.replaceState, url);
  },
};

let events = new EventTarget();
let isPhone = true;
const timers = () => new Promise((resolve) => setTimeout(resolve, 1)).then(settle).then(settle);
const go = (by) => (history.go(by), timers());
const paths = () => history.entries.map(({ path, state }) => path + "*".repeat(state.above ?? 0));

globalThis.window = /** @type {any} */ ({ Turbo: { navigator: { history: turbo } } });
globalThis.matchMedia = /** @type {any} */ (() => ({ matches: isPhone }));
globalThis.addEventListener = /** @type {any} */ ((name, listener) => events.addEventListener(name, listener));
Object.defineProperty(globalThis, "location", { value: { origin: "http://h", get href() { return `http://h${this.pathname}`; }, get pathname() { return history.entries[history.at].path; } } });
globalThis.document = /** @type {any} */ (Object.assign(new EventTarget(), { body: { dataset: {} } }));

/** A page that begins in a history. @returns {Promise<typeof import("../../static/js/chat/dialogs/overlayHistory.js")>} */
async function begin(kept = new History()) {
  events = new EventTarget();
  globalThis.history = /** @type {any} */ (kept);
  const overlays = await import(`../../static/js/chat/dialogs/overlayHistory.js?${crypto.randomUUID()}`);
  overlays.handleBack();
  turbo.replace(new URL(location.href));
  turbo.visits = [];
  events.addEventListener("popstate", (event) => {
    turbo.restorationIdentifier = /** @type {PopStateEvent} */ (event).state.turbo.restorationIdentifier;
    turbo.location = new URL(location.href);
    turbo.visits.push(turbo.location.pathname);
  });
  await timers();
  return overlays;
}

/** Something that lies above a conversation. */
function lay({ pushOverlay }, name, closed) {
  const away = pushOverlay(() => closed.push(name));
  return away;
}

beforeEach(() => {
  isPhone = true;
  document.body.dataset.page = "room";
});

test("Back closes what is on top, one after the other, and is no visit; then it goes to the page before", async () => {
  const overlays = await begin();
  const closed = [];
  overlays.pushPath("/chat/with/bob");
  lay(overlays, "panel", closed);
  await timers();
  lay(overlays, "card", closed);
  await timers();
  assert.deepEqual(paths(), ["/chat", "/chat/with/bob", "/chat/with/bob*", "/chat/with/bob**"]);
  await go(-1);
  assert.deepEqual(closed, ["card"]);
  await go(-1);
  assert.deepEqual(closed, ["card", "panel"]);
  assert.deepEqual(turbo.visits, []);
  await go(1); // what was closed does not come again
  assert.equal(history.at, 1);
  assert.deepEqual(turbo.visits, []);
  await go(-1);
  assert.deepEqual(turbo.visits, ["/chat"]);
});

test("what is closed by its own button takes its entry away, and what opens in its place takes its own", async () => {
  const overlays = await begin();
  const closed = [];
  overlays.pushPath("/chat/with/bob");
  const away = lay(overlays, "card", closed);
  await timers();
  away();
  const end = lay(overlays, "question", closed);
  await timers();
  assert.equal(history.at, 2);
  end();
  await timers();
  assert.equal(history.at, 1);
  assert.deepEqual([closed, turbo.visits], [[], []]);
});

test("a conversation that is opened from what lies above the one before stands in its place", async () => {
  const overlays = await begin();
  const away = lay(overlays, "search", []);
  await timers();
  overlays.pushPath("/chat/with/bob");
  away();
  await timers();
  assert.deepEqual(paths(), ["/chat", "/chat/with/bob"]);
  lay(overlays, "panel", [])();
  overlays.pushPath("/chat/with/carol"); // nothing lies there any more
  await timers();
  assert.deepEqual(paths(), ["/chat", "/chat/with/bob", "/chat/with/carol"]);
});

test("one that is opened on the way back from there is opened when that is over", async () => {
  const overlays = await begin();
  overlays.pushPath("/chat/with/bob");
  const away = lay(overlays, "card", []);
  await timers();
  away();
  await new Promise((resolve) => setTimeout(resolve));
  overlays.pushPath("/chat/with/carol");
  await timers();
  assert.deepEqual(paths(), ["/chat", "/chat/with/bob", "/chat/with/carol"]);
  assert.equal(history.at, 2);
  assert.deepEqual(turbo.visits, []);
});

test("Back from a page that was visited from there skips what nothing lies above any more", async () => {
  const overlays = await begin();
  overlays.pushPath("/chat/with/bob");
  const away = lay(overlays, "card", []);
  await timers();
  turbo.push(new URL("http://h/settings"));
  away();
  await timers();
  await go(-1);
  assert.equal(history.at, 1);
  assert.deepEqual(turbo.visits, ["/chat/with/bob"]);
});

test("whoever goes far back leaves all of it", async () => {
  const overlays = await begin();
  const closed = [];
  overlays.pushPath("/chat/with/bob");
  lay(overlays, "panel", closed);
  lay(overlays, "card", closed);
  await timers();
  await go(-3);
  assert.deepEqual(closed, ["card", "panel"]);
  assert.deepEqual(turbo.visits, ["/chat"]);
});

test("a page that is loaded again with something above it has nothing there, and is one step from the page before", async () => {
  const before = await begin();
  before.pushPath("/chat/with/bob");
  lay(before, "panel", []);
  await timers();
  await begin(/** @type {any} */ (history));
  assert.equal(history.at, 1);
  assert.deepEqual(turbo.visits, []);
  await go(-1);
  assert.deepEqual(turbo.visits, ["/chat"]);
});

test("on a wide screen Back is for pages alone", async () => {
  isPhone = false;
  const overlays = await begin();
  overlays.pushPath("/chat/with/bob");
  lay(overlays, "panel", [])();
  lay(overlays, "card", []);
  await timers();
  assert.deepEqual(paths(), ["/chat", "/chat/with/bob"]);
});

test("on the chat's own page Back and Forward go through conversations without the site, which is asked for any other page", async () => {
  const overlays = await begin();
  document.body.dataset.page = "chat";
  const told = [];
  for (const name of ["foyer:back", "foyer:page"]) document.addEventListener(name, () => told.push(`${name} ${location.pathname}`));
  overlays.pushPath("/chat/with/bob");
  overlays.pushPath("/chat/room/lobby");
  lay(overlays, "panel", []);
  await timers();
  await go(-2);
  assert.deepEqual([told, turbo.visits], [["foyer:back /chat/with/bob", "foyer:page /chat/with/bob"], []]);
  assert.equal(turbo.location.pathname, "/chat/with/bob");
  assert.equal(turbo.restorationIdentifier, history.state.turbo.restorationIdentifier);
  await go(-1);
  await go(1);
  assert.deepEqual(turbo.visits, []);
  assert.equal(told.length, 6);
  turbo.push(new URL("http://h/settings"));
  document.body.dataset.page = "settings";
  await go(-1);
  assert.deepEqual(turbo.visits, ["/chat/with/bob"]);
});

/** The browser tells that a dialog was closed when it has time for it. */
class Dialog extends EventTarget {
  open = false;
  showModal() {
    this.open = true;
  }
  close() {
    this.open = false;
    setImmediate(() => this.dispatchEvent(new Event("close")));
  }
}

test("a dialog that is opened again before anybody is told that it was closed has one entry, which goes with it", async () => {
  const overlays = await begin();
  overlays.pushPath("/chat/with/bob");
  const dialog = /** @type {any} */ (new Dialog());
  overlays.showModal(dialog);
  await timers();
  dialog.close();
  overlays.showModal(dialog);
  await timers();
  assert.deepEqual(paths(), ["/chat", "/chat/with/bob", "/chat/with/bob*"]);
  await go(-1);
  assert.equal(dialog.open, false);
  overlays.showModal(dialog);
  await timers();
  dialog.close();
  await timers();
  assert.equal(history.at, 1);
  assert.deepEqual(turbo.visits, []);
});
