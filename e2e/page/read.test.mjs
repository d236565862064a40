// What is unread, where another device has read it. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model, onClock, pass, settle } from "./support.mjs";

const { document } = Object.assign(globalThis, { document: new EventTarget() });
document.hidden = false;
globalThis.window = { converse: { env: { Strophe: {}, stx: (strings, ...values) => String.raw({ raw: strings }, ...values) } } };
globalThis.CustomEvent ??= class extends Event {
  constructor(name, { detail } = {}) {
    super(name);
    this.detail = detail;
  }
};
const { syncReadMarkers } = await import("../../static/js/chat/unread/readMarkers.js");

const OWN = "alice@h";
const BOB = "bob@h";

/**
 * A conversation with Bob that was read up to "a", behind a server whose ids stand in no order; and the markers.
 * @param {{published?: string, archive?: string[]}} [server] up to where another device has read, and what there is
 */
function conversation(server = {}) {
  class ChatBox extends Model {
    messages = Object.assign(new Model(), { models: [], fetched: Promise.resolve() });
    isHidden = () => true;
    told = [];
    sendMarkerForMessage = (message) => this.told.push(message.get("body"));
    incrementUnreadMsgsCounter() {
      this.save({ num_unread: this.get("num_unread") + 1 });
    }
  }
  const { listen, tell } = listeners();
  const chatboxes = Object.assign(new Model(), { models: [], get: (jid) => chatboxes.models.find((box) => box.get("jid") === jid) });
  const told = [];
  const element = (id) => ({ getAttribute: () => id, querySelector: () => element(id) });
  const api = {
    listen,
    waitUntil: async () => {},
    connection: { connected: () => true, get: () => ({ addHandler() {} }) },
    sendIQ: async () => ({ querySelectorAll: () => (server.published ? [{ getAttribute: () => BOB, querySelector: () => element(server.published) }] : []) }),
    pubsub: { publish: async (_to, _node, item) => told.push(/ id="(\w+)"\/>/.exec(item)[1]) },
    archive: { query: async ({ rsm }) => ({ complete: true, messages: server.archive.slice(server.archive.indexOf(rsm.after) + 1).map(element) }) },
  };
  const _converse = { api, exports: { ChatBox, MUC: class {} }, session: new Model({ bare_jid: OWN }), state: { chatboxes } };
  const markers = syncReadMarkers(_converse, { user: "alice", roomsDomain: "rooms.h", countsUnread: false }, Promise.resolve());
  const box = new ChatBox({ type: "chatbox", jid: BOB, num_unread: 0, read_id: "a" });
  chatboxes.models.push(box);
  tell("chatBoxInitialized", box);
  let minute = 0;
  /** Bob says something, and the browser has it now. */
  const say = (id, live = true) => {
    const time = new Date(Date.UTC(2026, 10, 28, 10, minute++)).toISOString();
    const message = new Model({ type: "chat", sender: "them", body: id, time, is_archived: !live, [`stanza_id ${OWN}`]: id });
    box.messages.models.push(message);
    box.messages.trigger("add", message);
    if (live) box.incrementUnreadMsgsCounter(message);
  };
  say("a", false);
  /** The conversation comes in sight, up to its last message. */
  const see = () => {
    box.save({ seen_until: box.messages.models.at(-1).get("time") });
    markers.note(box);
  };
  return { box, markers, say, see, tell, told };
}

/** Nothing is unread, and what is said next is. */
async function countsOnlyTheNext(t, box, say) {
  await pass(t, 400);
  assert.equal(box.get("num_unread"), 0);
  say("d");
  await pass(t, 400);
  assert.equal(box.get("num_unread"), 1);
}

test("what another device has read is not unread when it comes later than that is known", async (t) => {
  onClock(t);
  const { box, markers, say } = conversation();
  await markers.take(BOB, "c");
  say("b");
  say("c");
  await countsOnlyTheNext(t, box, say);
});

test("nor where the archive told of it while it was still to come", async (t) => {
  onClock(t);
  const { box, say, markers } = conversation();
  await pass(t, 400);
  say("b");
  await markers.take(BOB, "c");
  document.dispatchEvent(new CustomEvent("foyer:conversations", { detail: new Map([[BOB, { unread: 0, read: "c", last: { id: "c" } }]]) }));
  await settle();
  say("c");
  await countsOnlyTheNext(t, box, say);
});

test("what another device has read up to an edit was seen", async (t) => {
  onClock(t);
  const { box, markers, say } = conversation();
  say("b");
  const [, edited] = box.messages.models;
  edited.set({ ids_of_edits: ["e"] });
  await markers.take(BOB, "e");
  assert.deepEqual([box.get("num_unread"), box.get("seen_until")], [0, edited.get("time")]);
});

test("what was edited is unread once, where the archive knows it by its edit", async (t) => {
  onClock(t);
  const { box, say } = conversation();
  say("b");
  box.messages.models.at(-1).set({ ids_of_edits: ["e"] });
  await pass(t, 400);
  document.dispatchEvent(new CustomEvent("foyer:conversations", { detail: new Map([[BOB, { unread: 1, read: "a", last: { id: "e" } }]]) }));
  await settle();
  assert.equal(box.get("num_unread"), 1);
});

test("what is deleted is not unread, whether it was counted here or by the site, and what was read is not counted less", async (t) => {
  onClock(t);
  let asked = 0;
  document.addEventListener("foyer:deleted", () => asked++);
  const { box, say, markers } = conversation();
  const remove = (message) => {
    message.save({ retracted: "2026-11-28T11:00:00.000Z" });
    box.messages.trigger("change:retracted", message);
  };
  for (const id of ["b", "c", "d"]) say(id);
  const [read, first, second] = box.messages.models;
  remove(first);
  assert.equal(box.get("num_unread"), 2);
  remove(first);
  assert.equal(box.get("num_unread"), 2, "the archive tells it once more");
  remove(read);
  assert.equal(box.get("num_unread"), 2, "it was read");
  await pass(t, 400);
  assert.equal(asked, 1, "the site is asked once");
  await markers.take(BOB, "b");
  assert.equal(box.get("num_unread"), 2, "what is deleted is not counted again");
  second.set({ is_archived: true });
  remove(second);
  assert.equal(box.get("num_unread"), 2, "the site says how many it counted");
});

test("what comes while the site's count is taken is counted once", async (t) => {
  onClock(t);
  const { box, say } = conversation();
  let [takeFirst, take] = [() => {}, () => {}];
  box.msg_chain = new Promise((resolve) => (takeFirst = resolve));
  document.dispatchEvent(new CustomEvent("foyer:conversations", { detail: new Map([[BOB, { unread: 0, read: "a", last: { id: "a" } }]]) }));
  await settle();
  box.msg_chain = new Promise((resolve) => (take = resolve));
  say("b", false); // Converse has it, and has not counted it yet
  box.messages.models.at(-1).set({ is_archived: false });
  takeFirst();
  await settle();
  box.incrementUnreadMsgsCounter(box.messages.models.at(-1));
  take();
  await settle();
  assert.equal(box.get("num_unread"), 1);
});

test("an edit is nothing new", () => {
  const { box, say } = conversation();
  say("b");
  const [, message] = box.messages.models;
  message.set({ replace_id: "b" });
  box.incrementUnreadMsgsCounter(message);
  assert.equal(box.get("num_unread"), 1);
});

test("less than another device has read is not told, and more is", async (t) => {
  onClock(t);
  for (const [published, told, why] of [
    [undefined, ["c"], "nobody has told anything"],
    ["b", ["c"], "what is here says which comes later"],
    ["d", [], "the archive says so of what is not here yet"],
    ["0", ["c"], "nor here any more"],
    ["c", ["c"], "the same"],
  ]) {
    const { say, see, told: all, tell } = conversation({ published, archive: ["0", "a", "b", "c", "d"] });
    let heard = 0;
    document.addEventListener("foyer:read", () => heard++);
    say("b", false);
    say("c", false);
    see();
    await pass(t, 400);
    assert.deepEqual(all, told, why);
    assert.equal(heard, told.length ? 0 : 1, "what is older is nothing new");
    tell("reconnected");
    await pass(t, 400);
    assert.deepEqual(all, told, `${why}, and it is told once`);
  }
});

test("what could not be told is told on the next stream, unless another device has told more meanwhile", async (t) => {
  onClock(t);
  for (const [published, told] of [["b", ["c"]], ["d", []]]) {
    const server = { published: "a", archive: ["a", "b", "c", "d"] };
    const { markers, say, see, tell, told: all } = conversation(server);
    markers._converse.api.connection.connected = () => false;
    say("b", false);
    say("c", false);
    see();
    await pass(t, 400);
    markers._converse.api.connection.connected = () => true;
    server.published = published;
    tell("reconnected");
    await pass(t, 400);
    assert.deepEqual(all, told);
  }
});

test("who wrote what the archive brought to an open conversation is told once that it was read", () => {
  const { box, say, see } = conversation();
  say("b", false);
  say("c", false);
  see();
  see();
  assert.deepEqual(box.told, ["c"]);
  say("d");
  see();
  assert.deepEqual(box.told, ["c"], "of what comes live Converse tells");
});
