// How a session of BOSH is taken up by the next page. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { listeners, settle } from "./support.mjs";

class Bosh {
  _throttledRequestHandler() {}
}
const stored = new Map();
Object.assign(globalThis, {
  sessionStorage: { getItem: (key) => stored.get(key) ?? null, setItem: (key, value) => stored.set(key, value), removeItem: (key) => stored.delete(key) },
  window: Object.assign(globalThis, { converse: { env: { Strophe: { Bosh } } }, requestIdleCallback: (done) => setImmediate(done) }),
  Element: class {},
});
globalThis.DOMParser = class {
  parseFromString = () => ({ documentElement: { children: [] } });
};
const { trackForResume } = await import("../../static/js/chat/connection/resume.js");

beforeEach(() => stored.clear());

/** A page that takes up a session: what the connection was told, in its order. */
function page() {
  const { listen, tell } = listeners();
  const told = [];
  const connection = {
    _data: [], connected: true, restored: false,
    isType: () => true, authenticated: true, _proto: { sid: "s1", rid: 9, _requests: [], _onIdle: () => told.push(`request ${connection._proto.rid++}`) },
    xmlInput() {}, xmlOutput() {},
    pause: () => told.push("pause"),
    resume: () => told.push("resume"),
    restore(jid, callback) {
      this.restored = true; // as Strophe does
      callback.call(this, "attached");
    },
  };
  const ready = {};
  const waitUntil = (name) => new Promise((resolve) => (ready[name] = resolve));
  class Storage {
    save() {}
  }
  trackForResume({ api: { listen, waitUntil, connection: { get: () => connection } }, state: { config: { storage: new Storage() } } });
  tell("connectionInitialized");
  const restore = () => connection.restore("alice@localhost", () => told.push(`attached, ${connection.restored ? "goes on" : "begins"}`));
  return { told, ready, restore };
}

/** Takes up a session that goes on: what the connection was told by the time that the chat listens. */
async function goOn() {
  const { told, ready, restore } = page();
  restore();
  await settle();
  assert.deepEqual(told, ["pause", "attached, goes on"]);
  ready.chatBoxesFetched();
  ready.rosterContactsFetched();
  await settle();
  return told;
}

test("nothing is sent over a session that is taken up before the chat listens", async () => {
  const told = await goOn();
  assert.deepEqual(told, ["pause", "attached, goes on", "resume"]);
});

test("in a session that had only begun everything is asked, as in a new one", async () => {
  stored.set("foyer-starting", "1");
  const { told, ready, restore } = page();
  restore();
  ready.chatBoxesFetched();
  ready.rosterInitialized();
  await settle();
  assert.deepEqual(told, ["pause", "attached, begins", "resume"]);
});

test("requests that were under way when the page before went away are made again, once the chat listens", async () => {
  stored.set("foyer-requests", JSON.stringify({ sid: "s1", made: [7, 8].map((rid) => ({ rid, data: "<body/>" })) }));
  const told = await goOn();
  assert.deepEqual(told, ["pause", "attached, goes on", "resume", "request 7", "request 8"]);
});
