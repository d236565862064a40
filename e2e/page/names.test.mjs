// What people are called. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model } from "./support.mjs";
import { hideAddresses } from "../../static/js/chat/names.js";

globalThis.document = Object.assign(new EventTarget(), { getElementById: () => ({}) });
globalThis.MutationObserver = class {
  observe() {}
};

/** Called as Converse does it: by an address where there is no name. */
const kind = () =>
  class extends Model {
    getDisplayName() {
      return this.get("name") || this.get("jid");
    }
  };

/** Has names hidden in a Converse whose question about somebody is of this class, and returns its other classes. */
function hideIn(Question = class { initialize() {} }) {
  const exports = { ChatBox: kind(), RosterContact: kind(), MUCOccupant: kind(), VCard: kind(), MUC: kind() };
  hideAddresses({ api: { ...listeners(), elements: { registry: { "converse-contact-approval-alert": Question } } }, exports });
  return exports;
}

test("nobody is called by an address", () => {
  const { MUC: _, ...people } = hideIn();
  for (const Kind of Object.values(people)) {
    assert.equal(new Kind({ jid: "bob@localhost" }).getDisplayName(), "Somebody");
    assert.equal(new Kind({ jid: "bob@localhost", name: "Bob Baker" }).getDisplayName(), "Bob Baker");
  }
});

test("a room that has not said its name is called as the list calls it", () => {
  const { MUC } = hideIn();
  const room = new MUC({ jid: "lobby@conference.localhost" });
  document.dispatchEvent(new CustomEvent("foyer:conversations", { detail: new Map([[room.get("jid"), { name: "Lobby" }]]) }));
  assert.equal(room.getDisplayName(), "Lobby");
  room.set({ name: "The lobby" });
  assert.equal(room.getDisplayName(), "The lobby");
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
  hideIn(Question);
  const contact = new Model({ jid: "bob@localhost" });
  new Question(contact).initialize();
  contact.trigger("vcard:change");
  assert.deepEqual(redraws, [true]);
});
