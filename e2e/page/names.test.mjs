// What people are called. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model } from "./support.mjs";
import { hideAddresses } from "../../static/js/chat/names.js";

globalThis.document = { getElementById: () => ({}) };
globalThis.MutationObserver = class {
  observe() {}
};

/** Converse, whose question about somebody is of this class. */
function converse(exports, Question = class { initialize() {} }) {
  return { api: { ...listeners(), elements: { registry: { "converse-contact-approval-alert": Question } } }, exports };
}

test("nobody is called by an address", () => {
  /** Calls people as Converse does: by an address where there is no name. */
  const kind = () =>
    class extends Model {
      getDisplayName() {
        return this.get("name") || this.get("jid");
      }
    };
  const exports = { ChatBox: kind(), RosterContact: kind(), MUCOccupant: kind(), VCard: kind() };
  hideAddresses(converse(exports));
  for (const Kind of Object.values(exports)) {
    assert.equal(new Kind({ jid: "bob@localhost" }).getDisplayName(), "Somebody");
    assert.equal(new Kind({ jid: "bob@localhost", name: "Bob Baker" }).getDisplayName(), "Bob Baker");
  }
});

test("a question about somebody is drawn again when their name is known", () => {
  const redraws = [];
  class Question {
    constructor(contact) {
      this.contact = contact;
    }
    initialize() {
      this.isReady = true;
    }
    listenTo(model, events, run) {
      model.on(events, run);
    }
    requestUpdate() {
      redraws.push(this.isReady);
    }
  }
  const exports = { ChatBox: class {}, RosterContact: class {}, MUCOccupant: class {}, VCard: class {} };
  hideAddresses(converse(exports, Question));
  const contact = new Model({ jid: "bob@localhost" });
  new Question(contact).initialize();
  contact.trigger("vcard:change");
  assert.deepEqual(redraws, [true]);
});
