// What a tab notes of what came, and what becomes of more than it has room for.
// Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { listeners, settle } from "./support.mjs";

/** A tab's storage, which throws when it is full, as browsers do. */
class Storage {
  static room = Infinity; // characters
  getItem(key) {
    return this[key] ?? null;
  }
  setItem(key, text) {
    const others = Object.entries(this).filter(([other]) => other !== key);
    const taken = others.reduce((n, [other, value]) => n + other.length + value.length, key.length + text.length);
    if (taken > Storage.room) throw new Error("QuotaExceededError");
    this[key] = text;
  }
  removeItem(key) {
    delete this[key];
  }
}

class Element {
  children = [];
  constructor(nodeName, attributes, text = "") {
    Object.assign(this, { nodeName, attributes, text });
  }
  getAttribute(name) {
    return this.attributes[name] ?? null;
  }
  querySelector() {
    return this.text ? {} : null;
  }
}

/** A document that the stanzas go into. */
const body = () => {
  const children = [];
  return { children, append: (child) => children.push(child), querySelectorAll: () => [] };
};

Object.assign(globalThis, {
  Element,
  document: { implementation: { createDocument: () => ({ documentElement: body() }) } },
  DOMParser: class {
    parseFromString = (text) => ({ documentElement: text });
  },
  sessionStorage: new Storage(),
  XMLSerializer: class {
    serializeToString = ({ nodeName, text }) => `<${nodeName}>${text}</${nodeName}>`;
  },
  window: Object.assign(globalThis, { converse: { env: { Strophe: { getBareJidFromJid: (jid) => jid, Bosh: class { _throttledRequestHandler() {} } } } }, requestIdleCallback: (done) => setImmediate(done) }),
});
const { trackForResume } = await import("../../static/js/chat/connection/resume.js");

beforeEach(() => {
  Storage.room = Infinity;
  for (const key of Object.keys(sessionStorage)) sessionStorage.removeItem(key);
});

const noted = () => Object.keys(sessionStorage).filter((key) => key.startsWith("foyer-arrival-"));
const message = (text) => new Element("message", { type: "chat" }, text);

/** A page whose stream began long ago: what Strophe hears, and how a write into the browser's store ends. */
async function page({ listed = true } = {}) {
  const { listen, tell } = listeners();
  const heard = [];
  const connection = { _data: [], connected: true, xmlInput: (element) => heard.push(element), xmlOutput() {}, _dataRecv: (request) => heard.push(...request.getResponse().children) };
  let [written, failed] = [() => {}, () => {}];
  const persistent = {};
  class Storage {
    store = persistent;
    save() {
      return new Promise((resolve, reject) => ([written, failed] = [resolve, reject]));
    }
  }
  const storage = new Storage();
  trackForResume({ api: { listen, waitUntil: async () => {}, connection: { get: () => connection } }, state: { config: { storage } }, storage: { persistent } });
  tell("connectionInitialized");
  if (listed) tell("rosterContactsFetched");
  for (let i = 0; i < 5; i++) await settle();
  storage.save({});
  return { heard, connection, tell, write: () => written(), fail: () => failed(new Error("the page goes away")) };
}

test("what came is noted until it is kept", async () => {
  const { heard, connection, write } = await page();
  connection.xmlInput(message("one"));
  connection.xmlInput(message("two"));
  assert.equal(noted().length, 2);
  assert.equal(sessionStorage.getItem("foyer-starting"), null);
  for (let i = 0; i < 10; i++) await settle();
  assert.equal(noted().length, 2, "the browser still writes");
  write();
  for (let i = 0; i < 10; i++) await settle();
  assert.deepEqual([heard.length, noted().length], [2, 0]);
});

test("what the page before noted and did not keep is heard again, once, when the list of people is there", async () => {
  sessionStorage.setItem("foyer-arrival-1", "<message>one</message>");
  sessionStorage.setItem("foyer-arrival-2", "<message>two</message>");
  assert.deepEqual((await page()).heard, ["<message>one</message>", "<message>two</message>"]);
  assert.deepEqual((await page()).heard, []);
});

test("more than the tab has room for is heard all the same, and the next page asks for it", async () => {
  const { heard, connection, write } = await page();
  Storage.room = 300;
  for (let i = 0; i < 10; i++) connection.xmlInput(message("x".repeat(100)));
  assert.equal(heard.length, 10, "all of it is heard");
  assert.equal(sessionStorage.getItem("foyer-starting"), "1", "the next page begins a new stream");
  write();
  for (let i = 0; i < 10; i++) await settle();
  assert.equal(sessionStorage.getItem("foyer-starting"), null, "or goes on, once everything is kept");
  assert.equal(noted().length, 0);
});

// Firefox tells of the end of a stream as the page goes away, and ends what the page writes.
test("a stream that had only begun is not gone on with, whatever ends it", async () => {
  const { connection, tell } = await page({ listed: false });
  connection.xmlInput(new Element("iq", { type: "result", id: "roster" }));
  assert.equal(sessionStorage.getItem("foyer-starting"), "1");
  for (const event of ["will-reconnect", "disconnected"]) {
    tell(event);
    assert.equal(sessionStorage.getItem("foyer-starting"), "1", event);
  }
});

test("what could not be kept stays noted", async () => {
  const { connection, fail } = await page();
  connection.xmlInput(message("one"));
  fail();
  for (let i = 0; i < 10; i++) await settle();
  assert.equal(noted().length, 1);
});
