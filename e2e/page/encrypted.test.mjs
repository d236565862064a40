// When keys are made, and asked for. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { onClock, pass, settle } from "./support.mjs";
import { deferKeyGeneration, decryptOnce } from "../../static/js/chat/messages/encrypted.js";

test("keys are made when the list of people is there", async () => {
  let list;
  const events = { rosterContactsFetched: new Promise((resolve) => (list = resolve)) };
  let idle;
  globalThis.window = { requestIdleCallback: (callback) => (idle = callback) };
  let made = 0;
  const session = { restore: async () => made++ };
  deferKeyGeneration({ api: { omemo: { session }, waitUntil: (name) => events[name] } });
  void session.restore();
  await settle();
  assert.equal(made, 0);
  list();
  await settle();
  assert.equal(made, 0); // the browser has something to do
  idle();
  await settle();
  assert.equal(made, 1);
});

test("others' keys are asked for again where the stream that they were asked on was lost, and not for ever", async (t) => {
  onClock(t);
  class Stanza {
    constructor(to) {
      this.to = to;
    }
    getAttribute(name) {
      return { to: this.to, type: "get" }[name];
    }
    querySelectorAll() {
      return [];
    }
    querySelector() {
      return {}; // it asks for keys
    }
  }
  globalThis.Element = Stanza;
  const asked = [];
  const api = { sendIQ: () => new Promise((resolve) => asked.push(resolve)) };
  class Chat {
    queueMessage() {}
  }
  const _converse = { api, exports: { Device: class {}, ChatBox: Chat, MUC: class extends Chat {} }, session: new Map() };
  decryptOnce(_converse);
  _converse.session = new Map([["bare_jid", "me@h"]]); // Converse makes another where it could not connect
  const ask = (to) => {
    const got = { answer: undefined };
    api.sendIQ(new Stanza(to)).then((answer) => (got.answer = answer), () => (got.answer = "none"));
    return got;
  };
  const bobs = ask("bob@h");
  await pass(t, 11_000, 500);
  assert.equal(asked.length, 2);
  asked[1]("keys");
  await settle();
  assert.equal(bobs.answer, "keys");

  const carols = ask("carol@h");
  const mine = ask("me@h"); // no answer is not taken for there being no devices
  await pass(t, 21_000, 500);
  assert.equal(carols.answer, "none");
  assert.equal(mine.answer, undefined);
});
