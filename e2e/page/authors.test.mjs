// Who said a message. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners } from "./support.mjs";
import { knowAuthorsByAccount } from "../../static/js/chat/messages/authors.js";

test("what is said between two people is said by an account, in a room by an occupant", () => {
  const Strophe = { getBareJidFromJid: (jid) => jid.split("/")[0], getDomainFromJid: (jid) => jid.split("/")[0].split("@")[1] };
  globalThis.window = { converse: { env: { Strophe } } };
  const { listen, tell } = listeners();
  knowAuthorsByAccount({ api: { listen } }, { roomsDomain: "conference.localhost" });
  const from = (jid) => tell("parseMessage", {}, { from: jid })[0]?.from;
  assert.equal(from("bob@localhost/phone"), "bob@localhost");
  assert.equal(from("lobby@conference.localhost/Bob"), "lobby@conference.localhost/Bob");
});
