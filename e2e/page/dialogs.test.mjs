// Converse's dialogs. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { converseText } from "./converse.mjs";
import { Model } from "./support.mjs";

const listening = {};
const nothing = { addEventListener() {} };
Object.assign(globalThis, {
  window: globalThis,
  document: { addEventListener: (name, listener) => (listening[name] = listener), getElementById: () => nothing },
  IntersectionObserver: class {},
});
const { closeQuietly, ofMention, openAfterClosing } = await import("../../static/js/chat/dialogs/dialogs.js");

/** A dialog that fades away. */
class Dialog extends EventTarget {
  closes() {
    listening["hide.bs.modal"]?.({ target: this });
  }
  isGone() {
    this.dispatchEvent(new Event("hidden.bs.modal"));
  }
}

test("a dialog that is asked for while it fades away opens after that", () => {
  const dialog = new Dialog();
  const shown = [];
  const modal = { get: () => dialog, show: (name, properties) => shown.push([name, properties]) };
  openAfterClosing(modal);
  modal.show("a question", "first");
  assert.deepEqual(shown, [["a question", "first"]]);
  dialog.closes();
  modal.show("a question", "second");
  assert.equal(shown.length, 1);
  dialog.isGone();
  assert.deepEqual(shown[1], ["a question", "second"]);
  dialog.isGone();
  assert.equal(shown.length, 2);
});

test("a question that is closed is answered with no", async () => {
  class Question extends Dialog {
    initialize() {
      this.addEventListener("hide.bs.modal", () => this.confirmation.reject(new Error("nobody looks at this")));
    }
  }
  closeQuietly(Question);
  const question = new Question();
  question.initialize();
  const answer = new Promise((resolve, reject) => (question.confirmation = { resolve, reject }));
  question.dispatchEvent(new Event("hide.bs.modal"));
  assert.equal(await answer, false);
});

// a dialog that a new release of Converse brings is looked at before anybody meets it.
test("of Converse's dialogs there are those that name nobody by an address", async () => {
  const converse = await converseText();
  const defined = [...converse.matchAll(/\belements\.define\(\s*["']converse-([\w-]*modal)["']/g)].map(([, name]) => name).sort();
  assert.deepEqual(defined, ["alert-modal", "confirm-modal", "image-modal", "message-versions-modal"]);
});

test("a name in a message is of who goes by it in the room, or of the account that is meant, by its own name", () => {
  const chatroom = { getOwnOccupant: () => null };
  const occupants = { chatroom, findWhere: ({ nick }) => (nick === "Bob" ? bob : undefined) };
  const bob = Object.assign(new Model({ nick: "Bob", jid: "bob@h/x", presence: "online" }), { collection: occupants, getDisplayName: () => "Bob", isSelf: () => false });
  const room = { occupants };
  const contactAt = (jid) => (jid === "carol@h" ? { getDisplayName: () => "Carol" } : null);
  const card = (textContent, uri) => {
    const { name, jid, occupant } = ofMention({ textContent, dataset: { uri } }, room, contactAt);
    return { name, jid, here: occupant === bob };
  };
  assert.deepEqual(card("Bob", "xmpp:garden@rooms.h/Bob"), { name: "Bob", jid: "bob@h", here: true });
  assert.deepEqual(card("Carol", "xmpp:carol@h"), { name: "Carol", jid: "carol@h", here: false });
  assert.deepEqual(card("Dave", "xmpp:carol@h"), { name: "Carol", jid: "carol@h", here: false }, "no card of one with the name of another");
  assert.deepEqual(card("Dave", "xmpp:dave@elsewhere"), { name: "Dave", jid: undefined, here: false });
});
