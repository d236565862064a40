// What a tab keeps of its stream. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import "./support.mjs";

const held = new Set(); // names of tabs whose document lives
globalThis.window = Object.assign(globalThis, { addEventListener() {} });
const locks = {
  request: (name, { signal }, act) =>
    held.has(name)
      ? new Promise((resolve, reject) => signal?.aborted && reject(signal.reason))
      : (held.add(name), Promise.resolve(act())),
};
Object.defineProperty(globalThis, "navigator", { value: { locks }, configurable: true });
const { prepareTab, tabIsNobodys, tabName } = await import("../../static/js/chat/connection/tabs.js");

/** What a tab of alice's keeps while a session of BOSH goes on that has brought a message. */
const OF_ALICE = {
  "foyer-user": "alice", "foyer-tab": "first", "foyer-left": "1", "foyer-arrival-1": "<message/>", "foyer-requests": "{}",
  "strophe-bosh-session": "{}", "converse.bosh-session": "{}", "converse.session-alice@localhost": "{}",
};
const keys = () => Object.keys(sessionStorage).sort();

beforeEach(() => {
  held.clear();
  globalThis.sessionStorage = storage(OF_ALICE);
});

/** What a browser's storage does, as far as it is used. */
function storage(kept) {
  const methods = {
    getItem: (key) => (Object.hasOwn(all, key) ? all[key] : null),
    setItem: (key, value) => void (all[key] = String(value)),
    removeItem: (key) => void delete all[key],
  };
  const all = Object.create(methods, {});
  return Object.assign(all, kept);
}

test("the stream goes on for the same person in the same tab", async () => {
  await prepareTab("alice");
  assert.deepEqual(keys(), Object.keys(OF_ALICE).filter((key) => key !== "foyer-left").sort());
  assert.equal(tabName(), "first");
});

test("nothing of a stream is left for the same person in the same tab, who was signed out elsewhere", async () => {
  tabIsNobodys();
  await prepareTab("alice");
  assert.deepEqual(keys(), ["foyer-tab", "foyer-user"]);
});

test("nothing of a stream is left for another person in the same tab", async () => {
  await prepareTab("bob");
  assert.deepEqual(keys(), ["foyer-tab", "foyer-user"]);
  assert.equal(sessionStorage.getItem("foyer-user"), "bob");
  assert.notEqual(tabName(), "first", "which others knew alice by");
  assert.equal(sessionStorage.getItem("foyer-tab"), tabName());
});

test("nothing of a stream is left in a copy of its tab", async (t) => {
  t.mock.method(AbortSignal, "timeout", () => AbortSignal.abort()); // it has waited for its original to go away
  sessionStorage.removeItem("foyer-left"); // its document is still there
  held.add("foyer-tab-first");
  await prepareTab("alice");
  assert.deepEqual(keys(), ["foyer-tab", "foyer-user"]);
  assert.notEqual(tabName(), "first");
  assert.equal(sessionStorage.getItem("foyer-tab"), tabName());
});
