// What a tab notes of BOSH's requests. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";

const stored = new Map();
const sessionStorage = { getItem: (key) => stored.get(key) ?? null, setItem: (key, value) => stored.set(key, value), removeItem: (key) => stored.delete(key) };

/** Makes requests as Strophe does: it counts one, puts it with the others, and makes it. */
class Bosh {
  sid = "s1";
  rid = 7;
  made = [];
  _requests = [];
  refuses = false;
  constructor() {
    this._conn = { authenticated: true, isType: (type) => type === "bosh", _proto: this, _data: [] };
  }
  _onIdle() {
    const rid = this.rid++;
    this._requests.push({ rid, data: `<body rid="${rid}"/>` });
    this._throttledRequestHandler();
  }
  _throttledRequestHandler() {
    if (this.refuses) throw new Error("the page is on its way out");
    this.made.push(...this._requests.map(({ rid }) => rid));
  }
}

Object.assign(globalThis, {
  sessionStorage,
  window: { converse: { env: { Strophe: { Bosh } } } },
  DOMParser: class {
    parseFromString = () => ({ documentElement: { children: [] } });
  },
});

const handler = Bosh.prototype._throttledRequestHandler;

/** A page of the tab: Strophe, and what is noted. */
async function page(rid = 7) {
  Bosh.prototype._throttledRequestHandler = handler;
  const { requests } = await import(`../../static/js/chat/connection/requests.js?${Math.random()}`);
  requests.watch();
  const strophe = new Bosh();
  strophe.rid = rid; // as Strophe keeps it
  return { strophe, repeat: () => requests.repeat(strophe._conn) };
}

test("a request that the browser did not make is made by the next page", async () => {
  const { strophe: before } = await page();
  before.refuses = true;
  assert.throws(() => before._onIdle());

  const { strophe: after, repeat } = await page(before.rid);
  after._throttledRequestHandler(); // as for whatever is sent meanwhile
  repeat();
  assert.deepEqual(after.made, [7]);
  assert.equal(after.rid, 8);
});

test("one that was answered is not made again", async () => {
  const { strophe: before } = await page();
  before._onIdle();
  before._requests = [];
  before._throttledRequestHandler();

  const { strophe: after, repeat } = await page(before.rid);
  repeat();
  assert.deepEqual(after.made, []);
});
