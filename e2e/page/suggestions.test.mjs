// Whom one can name in a room. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Model, onClock, pass, settle } from "./support.mjs";
import { nameMembers } from "../../static/js/chat/composer/members.js";
import { suggestionsFor } from "../../static/js/chat/composer/suggestions.js";

class Room extends Model {
  occupants = ["Bob", "Dave Dunn"].map((nick) => new Model({ nick }));
  features = new Model({ nonanonymous: true });
  getAllKnownNicknames() {
    return this.occupants.map((occupant) => occupant.get("nick"));
  }
  getOccupant(nick) {
    return this.occupants.find((occupant) => occupant.get("nick") === nick);
  }
  getReferenceURIFromNickname(nick) {
    return `xmpp:${this.get("jid")}/${nick}`;
  }
}

const member = (name, more = {}) => ({ jid: `${name.toLowerCase().replace(" ", ".")}@h`, name, standing: "member", ...more });
const people = [member("Alice Adler"), member("Bob Baker"), member("Carol Costa"), member("Bob"), member("Eve", { standing: "outcast" }), member("Dave Dunn", { nick: "Dave Dunn" }), member("Ida", { nick: "The gardener" }), member("Passer-by", { standing: "none", nick: "Passer-by" })];

/** The site, which says who belongs to a room, or fails. */
function site(answer) {
  const asked = [];
  globalThis.fetch = /** @type {any} */ (async (path) => {
    asked.push(path);
    return answer();
  });
  return asked;
}

const offered = async (room, typed) => (await suggestionsFor(/** @type {any} */ ({}), room, typed)).suggestions.map(({ label }) => label);

test("who belongs to a room can be named there, in it or not, by their name", async (t) => {
  onClock(t);
  const asked = site(() => ({ ok: true, json: async () => ({ people }) }));
  const room = new Room({ jid: "a b@rooms.h", nick: "Alice Adler" });
  assert.deepEqual(await offered(room, "@"), ["Bob", "Dave Dunn"]);
  await nameMembers(room, "rooms.h");
  assert.equal(nameMembers(room, "rooms.h"), undefined); // it is known
  assert.deepEqual(asked, ["/xmpp/rooms/a%20b/people?"]);
  assert.deepEqual(await offered(room, "Hello @"), ["Bob", "Dave Dunn", "Bob Baker", "Carol Costa"]); // those who are there first
  assert.deepEqual(await offered(room, "@co"), ["Carol Costa"]);
  assert.deepEqual(room.getAllKnownNicknames().filter((name) => name.startsWith("Bob")), ["Bob Baker", "Bob"]); // of "@Bob Baker" Bob is not named
  const to = (name) => room.getReferenceURIFromNickname(name);
  assert.deepEqual(["Carol Costa", "Dave Dunn"].map(to), ["xmpp:carol.costa@h", "xmpp:a b@rooms.h/Dave Dunn"]);
  room.features.set("nonanonymous", false);
  assert.equal(to("Carol Costa"), "xmpp:a b@rooms.h/Carol Costa"); // nobody's account is told there
});

test("of a room elsewhere the site is not asked: it may have another of that name", () => {
  const asked = site(() => ({ ok: true, json: async () => ({ people: [] }) }));
  assert.equal(nameMembers(new Room({ jid: "garden@rooms.elsewhere" }), "rooms.h"), undefined);
  assert.deepEqual(asked, []);
});

test("where the site does not say who belongs to a room, those who are there are offered, and it is asked again later", async (t) => {
  onClock(t);
  let failing = true;
  const asked = site(() => {
    if (failing) throw new Error("no network");
    return { ok: true, json: async () => ({ people: [] }) }; // another server knows them
  });
  const room = new Room({ jid: "garden@rooms.h" });
  await nameMembers(room, "rooms.h");
  assert.equal(nameMembers(room, "rooms.h"), undefined);
  assert.deepEqual(await offered(room, "@"), ["Bob", "Dave Dunn"]);
  failing = false;
  await pass(t, 31_000, 1000);
  await nameMembers(room, "rooms.h");
  await settle();
  assert.equal(asked.length, 2);
  assert.deepEqual(await offered(room, "@"), ["Bob", "Dave Dunn"]);
  assert.equal(nameMembers(/** @type {any} */ (new Model({ type: "chatbox" })), "rooms.h"), undefined);
});
