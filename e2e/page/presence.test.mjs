// Presence of contacts (RFC 6121 §4). Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "./support.mjs";
import { keepContactPresence } from "../../static/js/chat/people/contactPresence.js";

globalThis.window = { converse: { env: { Strophe: { getBareJidFromJid: (jid) => jid.split("/")[0] } } } };
const bare = window.converse.env.Strophe.getBareJidFromJid;

/** A list of people as Converse has it: presence is kept with a contact that was made. */
function roster() {
  const contacts = new Map();
  class RosterContacts {
    get(jid) {
      return contacts.get(jid);
    }
    presenceHandler(presence) {
      const contact = this.get(bare(presence.getAttribute("from")));
      if (contact) contact.presence.show = "online"; // throws where there is none
    }
  }
  class Presences {}
  keepContactPresence({ exports: { RosterContacts, Presences }, api: { listen: { on() {} } } });
  return { list: new RosterContacts(), contacts };
}

const from = (jid) => ({ getAttribute: () => jid });

test("presence that comes before its contact is made waits for it", async () => {
  const { list, contacts } = roster();
  let made;
  const bob = { initialized: new Promise((resolve) => (made = resolve)) };
  contacts.set("bob@localhost", bob);
  list.presenceHandler(from("bob@localhost/phone"));
  bob.presence = {};
  assert.equal(bob.presence.show, undefined);
  made();
  await settle();
  assert.equal(bob.presence.show, "online");
  bob.presence = {};
  list.presenceHandler(from("bob@localhost/phone")); // at once from now on
  assert.equal(bob.presence.show, "online");
});
