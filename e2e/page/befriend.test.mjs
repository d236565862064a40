// People of one site whose chat server knows nothing of it become each other's contacts.
// Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners } from "./support.mjs";
import { befriend } from "../../static/js/chat/befriend.js";

globalThis.window = {
  converse: {
    env: {
      $pres: ({ to, type }) => `${type} to ${to}`,
      Strophe: { getBareJidFromJid: (jid) => jid.split("/")[0], getDomainFromJid: (jid) => jid.split("/")[0].split("@")[1] },
    },
  },
};

function page() {
  const sent = [];
  const asked = [];
  class RosterContacts {
    handleIncomingSubscription(presence) {
      asked.push(presence.getAttribute("from"));
    }
  }
  const { listen, tell } = listeners();
  const api = { listen, send: (stanza) => sent.push(stanza) };
  befriend({ api, exports: { RosterContacts }, state: {} }, { domain: "localhost" });
  return { list: new RosterContacts(), sent, asked, tell };
}

const from = (jid) => ({ getAttribute: () => jid });

test("a request of this site is answered with yes, and with a request", () => {
  const { list, sent, asked } = page();
  list.handleIncomingSubscription(from("bob@localhost/phone"));
  assert.deepEqual(sent, ["subscribed to bob@localhost", "subscribe to bob@localhost"]);
  assert.deepEqual(asked, []);
});

test("a person is asked whether somebody of another site may", () => {
  const { list, sent, asked } = page();
  list.handleIncomingSubscription(from("eve@elsewhere.example/phone"));
  assert.deepEqual(sent, []);
  assert.deepEqual(asked, ["eve@elsewhere.example/phone"]);
});
