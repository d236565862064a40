// People of one site whose chat server knows nothing of it become each other's contacts.
// Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model } from "./support.mjs";
import { showContactRequests, autoSubscribe } from "../../static/js/chat/people/autoSubscribe.js";

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
  autoSubscribe({ api, exports: { RosterContacts }, state: {} }, { domain: "localhost" });
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

test("a request from somebody in an open conversation is asked about, unless one has asked them", () => {
  const said = [];
  class RosterContacts {
    contacts = {
      "bob@localhost": new Model({ jid: "bob@localhost" }), // whose conversation is open
      "carol@localhost": new Model({ subscription: "to" }),
    };
    get(jid) {
      return this.contacts[jid];
    }
    handleIncomingSubscription(presence) {
      said.push(presence.getAttribute("from"));
    }
  }
  let allowed = true;
  showContactRequests({ api: { settings: { get: () => allowed } }, exports: { RosterContacts } });
  const list = new RosterContacts();
  list.handleIncomingSubscription(from("bob@localhost/phone"));
  assert.deepEqual(said, []);
  assert.equal(list.get("bob@localhost").get("requesting"), true);
  for (const jid of ["carol@localhost/a", "dave@localhost/b"]) list.handleIncomingSubscription(from(jid));
  list.contacts["erin@localhost"] = new Model();
  allowed = false;
  list.handleIncomingSubscription(from("erin@localhost/c"));
  assert.deepEqual(said, ["carol@localhost/a", "dave@localhost/b", "erin@localhost/c"]);
});
