// What people are called. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model } from "./support.mjs";
import { hideAddresses } from "../../static/js/chat/names.js";

test("nobody is called by an address", () => {
  globalThis.document = { getElementById: () => ({}) };
  globalThis.MutationObserver = class {
    observe() {}
  };
  /** Calls people as Converse does: by an address where there is no name. */
  const kind = () =>
    class extends Model {
      getDisplayName() {
        return this.get("name") || this.get("jid");
      }
    };
  const exports = { ChatBox: kind(), RosterContact: kind(), MUCOccupant: kind(), VCard: kind() };
  hideAddresses({ api: listeners(), exports });
  for (const Kind of Object.values(exports)) {
    assert.equal(new Kind({ jid: "bob@localhost" }).getDisplayName(), "Somebody");
    assert.equal(new Kind({ jid: "bob@localhost", name: "Bob Baker" }).getDisplayName(), "Bob Baker");
  }
});
