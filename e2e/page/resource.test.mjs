// The resource that a tab binds. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners } from "./support.mjs";

const Status = { AUTHFAIL: 1, CONNECTED: 2, CONNFAIL: 3 };
const kept = {};
globalThis.sessionStorage = { getItem: (key) => kept[key] ?? null, setItem: (key, value) => void (kept[key] = value), removeItem() {} };
Object.defineProperty(globalThis, "navigator", { value: { locks: { request: async (name, options, held) => void held() } }, configurable: true });
globalThis.addEventListener = () => {};
globalThis.window = globalThis;
const { bindByTab } = await import("../../static/js/chat/connection/resource.js");
const { prepareTab } = await import("../../static/js/chat/connection/tabs.js");

/** A connection that is to bind; `asked` is for which address it does, and `heard` what becomes of it. */
async function connection() {
  const asked = [], heard = [];
  class Strophe {
    do_bind = true;
    jid = "alice@localhost/converse.js-1";
    bind() {
      asked.push(this.jid);
    }
  }
  class Connection extends Strophe {
    async bind() {
      super.bind();
    }
    onConnectStatusChanged(status, condition) {
      heard.push(condition ?? status);
    }
  }
  globalThis.converse = { env: { Strophe: { Connection: Strophe, Status, getBareJidFromJid: (jid) => jid.split("/")[0] } } };
  const { listen, tell } = listeners();
  const made = new Connection();
  bindByTab({ listen, connection: { get: () => made } });
  tell("connectionInitialized");
  await prepareTab("alice");
  return { made, asked, heard, tells: (status, condition) => made.onConnectStatusChanged(status, condition) };
}
const tab = () => `alice@localhost/${kept["foyer-tab"]}`;

test("a tab binds the same resource on all its pages", async () => {
  const before = await connection();
  before.made.bind();
  const after = await connection(); // nothing of the stream is kept
  after.made.bind();
  assert.deepEqual(after.asked, before.asked);
  assert.deepEqual(after.asked, [tab()]);

  const resumed = await connection();
  Object.assign(resumed.made, { do_bind: false }).bind();
  assert.equal(resumed.made.jid, "alice@localhost/converse.js-1", "where nothing is bound");
});

test("a tab that lost its stream to one of the same name takes another", async () => {
  const { made, asked, heard, tells } = await connection();
  made.bind();
  tells(Status.CONNECTED);
  tells(Status.CONNFAIL, "conflict");
  assert.equal(asked.length, 1, "it connects again first");
  made.bind();
  assert.notEqual(asked[1], asked[0]);
  assert.equal(asked[1], tab(), "which its next page has, too");
  assert.deepEqual(heard, [Status.CONNECTED, "conflict"]);
});

// RFC 6120 §7.7.2.2: a server may let the first one stay.
test("a resource that is refused is not asked for again, and another one once", async () => {
  const { made, asked, heard, tells } = await connection();
  made.bind();
  tells(Status.AUTHFAIL, "conflict");
  assert.deepEqual([asked.length, asked[1]], [2, tab()]);
  assert.notEqual(asked[1], asked[0]);
  assert.deepEqual(heard, []);
  tells(Status.AUTHFAIL, "conflict");
  assert.equal(asked.length, 2);
  assert.deepEqual(heard, ["conflict"], "a server that has everything is believed");
});
