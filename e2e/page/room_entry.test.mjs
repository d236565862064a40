// Under which name a page enters a room where somebody else has it. Run by
// `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { listeners, Model, settle } from "./support.mjs";
import { enterRoomsByName } from "../../static/js/chat/room/roomEntry.js";

const status = { ENTERED: "entered", CONNECTING: "connecting", CONNECTED: "connected", DISCONNECTED: "disconnected" };
globalThis.window = Object.assign(globalThis, { converse: { ROOMSTATUS: status } });
globalThis.document = new EventTarget();
mock.timers.enable({ apis: ["setTimeout"] }); // a room has some time to answer

const conflict = { querySelector: (selector) => (selector === "error > conflict" ? {} : null) };

/** A room of a page for somebody: what it is asked to be entered under, while all those names are somebody else's. */
function room(name) {
  class MUC {
    attributes = {};
    state = { connection_status: status.CONNECTING };
    tried = [];
    renamed = [];
    session = { get: (key) => this.state[key], save: (changes) => Object.assign(this.state, changes) };
    onErrorPresence() {
      this.tried.push("gives up");
    }
    createInfoMessageFromPresence(code, { nick }) {
      this.noted.push(`${code} ${nick}`);
    }
    noted = [];
    setDisconnectionState() {}
    get(key) {
      return this.attributes[key];
    }
    save(changes) {
      Object.assign(this.attributes, changes);
    }
    isEntered = () => this.state.connection_status === status.ENTERED;
    setNickname = (nick) => this.renamed.push(nick);
    async close() {
      this.state.connection_status = status.DISCONNECTED;
    }
    async join(nick) {
      await settle(); // the room is asked what it can do
      const chosen = await this.getAndPersistNickname(nick);
      if (!chosen) return;
      this.tried.push(chosen);
      this.state.connection_status = status.CONNECTING;
    }
  }
  const { listen, tell } = listeners();
  const api = { listen, settings: { get: (name) => (name === "muc_show_info_messages" ? ["301", "307"] : []) }, waitUntil: () => new Promise(() => {}) };
  enterRoomsByName({ api, exports: { MUC }, state: {}, session: { get: () => "" } }, { name });
  return { muc: new MUC(), tell };
}

for (const [name, second, last] of [
  ["Anna", "Anna (2)", "Anna (9)"],
  ["Bob (2)", "Bob (2) (2)", "Bob (2) (9)"],
  ["x".repeat(64), `${"x".repeat(60)} (2)`, `${"x".repeat(60)} (9)`],
  [`${"🦊".repeat(59)} abcd`, `${"🦊".repeat(59)} (2)`, `${"🦊".repeat(59)} (9)`],
]) {
  test(`namesakes of ${name} have numbers, within what a room takes`, async () => {
    const { muc, tell } = room(name);
    await muc.join();
    while (muc.tried.at(-1) !== "gives up") {
      await muc.onErrorPresence(conflict);
      await settle();
    }
    assert.deepEqual([muc.tried[0], muc.tried[1], muc.tried.at(-2), muc.tried.length], [name, second, last, 10]);
    for (const tried of muc.tried) assert.ok([...tried].length <= 64, tried);
    muc.state.connection_status = status.ENTERED;
    for (const nick of [name, second, last]) {
      muc.attributes.nick = nick;
      tell("enteredNewRoom", muc);
    }
    assert.deepEqual(muc.renamed, [], "who has a number keeps it");
    muc.attributes.nick = "Somebody (2)";
    tell("enteredNewRoom", muc);
    assert.deepEqual(muc.renamed, [name]);
  });
}

// Else whoever left would stay in it, for the others (XEP-0045 §7.14).
test("a room that is left while it is being entered is not entered", async () => {
  const { muc } = room("Anna");
  const entering = muc.join();
  await muc.close();
  await entering;
  assert.deepEqual(muc.tried, []);
});

test("of what a room says of itself only what the settings list is shown", () => {
  const { muc } = room("Anna");
  for (const code of ["170", "172", "301", "307", "332"]) muc.createInfoMessageFromPresence(code, { nick: "Bob" });
  assert.deepEqual(muc.noted, ["301 Bob", "307 Bob"]);
});

test("a room that says nothing is asked again, as long as it is waited for", async () => {
  const asked = [];
  class MUC extends Model {
    session = new Model({ connection_status: status.CONNECTING });
    onErrorPresence() {}
    createInfoMessageFromPresence() {}
    async close() {}
    async join() {
      asked.push(this.get("jid"));
    }
    rejoin() {
      return this.join();
    }
  }
  const rooms = new Map();
  let connected = true;
  const api = { listen: { on() {} }, connection: { connected: () => connected } };
  enterRoomsByName({ api, exports: { MUC }, state: { chatboxes: rooms } }, { name: "Anna" });
  const lobby = new MUC({ jid: "lobby@conference.localhost" });
  rooms.set(lobby.get("jid"), lobby);
  const wait = async () => {
    mock.timers.tick(15_000);
    await settle();
    return asked.splice(0).length;
  };
  await lobby.join();
  assert.equal(await wait(), 2);
  assert.equal(await wait(), 1, "again");
  connected = false;
  assert.equal(await wait(), 0, "the next stream has it entered");
  connected = true;
  await lobby.join();
  lobby.session.set({ connection_status: status.ENTERED });
  assert.equal(await wait(), 1, "it has said so");
  lobby.session.set({ connection_status: status.CONNECTING });
  await lobby.join();
  rooms.delete(lobby.get("jid"));
  assert.equal(await wait(), 1, "it was left");
  rooms.set(lobby.get("jid"), lobby);
  await lobby.join();
  mock.timers.tick(14_000);
  await lobby.join();
  mock.timers.tick(14_000);
  assert.equal(asked.splice(0).length, 2, "it has its time to answer, from when it was asked last");
  assert.equal(await wait(), 1);
});
