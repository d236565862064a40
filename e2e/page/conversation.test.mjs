// Which conversation is open. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model, settle } from "./support.mjs";

const config = { user: "alice", domain: "localhost", roomsDomain: "rooms.localhost" };
const tab = {};
globalThis.sessionStorage = /** @type {any} */ ({ getItem: (key) => tab[key] ?? null, setItem: (key, text) => (tab[key] = text) });
const waitUntil = async () => {};
const attributes = new Set();
const chat = { removeAttribute: (name) => attributes.delete(name) };
globalThis.document = Object.assign(new EventTarget(), { body: { dataset: { page: "chat" } }, title: "Chat · Foyer", getElementById: () => chat });
globalThis.location = /** @type {any} */ ({ origin: "http://localhost", search: "" });
globalThis.window = /** @type {any} */ (Object.assign(new EventTarget(), { Turbo: { navigator: { history: { push: ({ pathname }) => (location.pathname = pathname) } } } }));
const { openedByAddress, preventAutoOpen } = await import("../../static/js/chat/conversation.js");

test("a conversation that is closed does not open again with the next stream", async () => {
  location.pathname = "/chat/with/bob";
  const { listen, tell } = listeners();
  const opened = [];
  const bob = new Model({ jid: "bob@localhost", hidden: false });
  const chatboxes = Object.assign(new Map([["bob@localhost", bob]]), { models: [] });
  openedByAddress({ api: { listen, waitUntil, chats: { open: (jid) => opened.push(jid) } }, state: { chatboxes } }, config);
  chatboxes.delete("bob@localhost");
  tell("chatBoxClosed", new Model({ jid: "carol@localhost" })); // of another the address says nothing
  assert.equal(location.pathname, "/chat/with/bob");
  tell("chatBoxClosed", bob);
  assert.equal(location.pathname, "/chat");
  tell("connected");
  await settle();
  assert.deepEqual(opened, []);
});

test("the shapes of a conversation go when it is there, and when the address names none any more", async () => {
  const chatboxes = Object.assign(new Map([["bob@localhost", new Model({ jid: "bob@localhost", hidden: false })]]), { models: [] });
  Object.assign(chatboxes, { models: [] });
  for (const path of ["/chat/with/bob", "/chat"]) {
    location.pathname = path;
    attributes.add("data-going");
    const { listen, tell } = listeners();
    openedByAddress({ api: { listen, waitUntil }, state: { chatboxes } }, config);
    assert.ok(attributes.has("data-going"), path); // nothing is known yet
    tell("connected");
    await settle();
    assert.ok(!attributes.has("data-going"), path);
  }
});

test("Back to the list leaves no conversation open, and Back to another one leaves that to its address", () => {
  const [bob, lobby] = [new Model({ jid: "bob@localhost", hidden: false }), new Model({ jid: "lobby@rooms.localhost", hidden: true })];
  openedByAddress({ api: { listen: listeners().listen, waitUntil }, state: { chatboxes: { models: [bob, lobby] } } }, config);
  location.pathname = "/chat/with/carol";
  document.dispatchEvent(new Event("foyer:back"));
  assert.equal(bob.get("hidden"), false);
  location.pathname = "/chat";
  document.dispatchEvent(new Event("foyer:back"));
  assert.equal(bob.get("hidden"), true);
});

test("no other conversation opens in the place of one that is closed", async () => {
  const shown = [];
  class Chat extends Model {
    maybeShow() {
      shown.push(this.get("jid"));
      return this;
    }
  }
  class Room extends Chat {
    maybeShow(force) {
      return super.maybeShow(force);
    }
  }
  const rooms = { open: async (_jid, _attrs, force) => unasked.maybeShow(force) };
  preventAutoOpen({ api: { chats: {}, rooms }, exports: { ChatBox: class extends Chat {}, MUC: Room } });
  const [unasked, open] = [new Room({ jid: "lobby", hidden: true }), new Room({ jid: "garden", hidden: false })];
  assert.equal(unasked.maybeShow(), unasked);
  assert.deepEqual(shown, []);
  open.maybeShow(); // as its element does when it is drawn
  await rooms.open("lobby", {}, true);
  assert.deepEqual(shown, ["garden", "lobby"]);
  open.maybeShow(true); // Converse asks for it itself
  assert.deepEqual(shown, ["garden", "lobby", "garden"]);
});

test("one that takes long to open is not shown in the place of another that was asked for since, nor in that of the list", async () => {
  const shown = [];
  class Chat extends Model {
    maybeShow() {
      shown.push(this.get("jid"));
    }
  }
  class Room extends Chat {
    maybeShow() {
      super.maybeShow();
    }
  }
  /** As Converse has it: a room is there as soon as its server has said what it is. */
  const opener = (Box) => {
    const waiting = {};
    const open = async (jid, _attrs, force) => {
      await new Promise((resolve) => (waiting[jid] = resolve));
      new Box({ jid, hidden: true }).maybeShow(force);
    };
    return { open, waiting };
  };
  const [chats, rooms] = [opener(class extends Chat {}), opener(class extends Room {})];
  const [ChatBox, MUC] = [class extends Chat {}, class extends Room {}];
  for (const [kind, Box] of /** @type {any} */ ([[chats, ChatBox], [rooms, MUC]])) Object.assign(kind, opener(Box));
  const { listen } = listeners();
  const api = { listen, waitUntil, chats, rooms };
  preventAutoOpen({ api, exports: { ChatBox, MUC } });
  openedByAddress({ api, state: { chatboxes: { models: [] } } }, config);
  const come = async (kind, jid) => (kind.waiting[jid](), settle());
  rooms.open("garden@rooms.localhost", {}, true);
  chats.open("bob@localhost", {}, true);
  rooms.open("lobby@rooms.localhost", {}, false); // one that nobody chose
  await come(chats, "bob@localhost");
  await come(rooms, "garden@rooms.localhost");
  assert.deepEqual(shown, ["bob@localhost"]);
  chats.open("carol@localhost", {}, true);
  location.pathname = "/chat";
  document.dispatchEvent(new Event("foyer:back"));
  await come(chats, "carol@localhost");
  assert.deepEqual(shown, ["bob@localhost"]);
  rooms.open("garden@rooms.localhost", {}, true);
  await come(rooms, "garden@rooms.localhost");
  assert.deepEqual(shown, ["bob@localhost", "garden@rooms.localhost"]);
});

test("what is asked for twice is being opened until the last of them is over", async () => {
  const shown = [];
  class Room extends Model {
    maybeShow() {
      shown.push(this.get("jid"));
    }
  }
  const [MUC, ends] = [class extends Room {}, []];
  const rooms = { open: () => new Promise((resolve) => ends.push(resolve)) };
  preventAutoOpen({ api: { chats: {}, rooms }, exports: { ChatBox: class extends Room {}, MUC } });
  const garden = new MUC({ jid: "garden", hidden: true });
  for (const jid of ["garden", "garden", "lobby"]) rooms.open(jid, {}, true);
  ends[0]();
  await settle();
  garden.maybeShow(true); // the second of them comes that far
  assert.deepEqual(shown, []);
  ends[1]();
  await settle();
  garden.maybeShow(true); // Converse asks for it itself
  assert.deepEqual(shown, ["garden"]);
});

test("what was open on the page before is open on this one, whatever the browser's store had kept by then", async (t) => {
  document.body.dataset.page = "home";
  t.after(() => (document.body.dataset.page = "chat"));
  /** Opens the next page; what it opens, and what it leaves to the one after it. */
  const next = async (kept, inStore, choose = (_boxes) => {}, at = Date.now()) => {
    tab["foyer-conversation"] = `${kept} ${at}`;
    const opened = [];
    const boxes = ["bob", "carol"].map((user) => new Model({ type: "chatbox", jid: `${user}@localhost`, hidden: user !== inStore }));
    const chatboxes = Object.assign(new Model(), { models: boxes, get: () => undefined });
    const { listen, tell } = listeners();
    openedByAddress({ api: { listen, waitUntil, chats: { open: (jid) => opened.push(jid) } }, state: { chatboxes } }, config);
    tell("chatBoxesInitialized");
    await settle();
    choose(boxes, chatboxes);
    tell("connected");
    await settle();
    return opened;
  };
  assert.deepEqual(await next("alice carol@localhost", ""), ["carol@localhost"]);
  assert.deepEqual(await next("alice carol@localhost", "bob"), ["carol@localhost"], "the one before it is what was kept");
  assert.deepEqual(await next("alice carol@localhost", "carol"), []);
  assert.deepEqual(await next("bob carol@localhost", ""), [], "it was another person");
  const chooseBob = ([bob], boxes) => {
    bob.set({ hidden: false });
    boxes.trigger("change:hidden");
  };
  assert.deepEqual(await next("alice carol@localhost", "", chooseBob), [], "somebody has gone elsewhere already");
  assert.match(tab["foyer-conversation"], /^alice bob@localhost /, "which the page after this one knows");
  assert.deepEqual(await next("alice carol@localhost", "", undefined, Date.now() - 3_600_000), [], "what was open an hour ago may be gone");
  assert.deepEqual(await next("alice ", ""), [], "who was at the list finds the list");
  document.body.dataset.page = "chat";
  location.pathname = "/chat";
  assert.deepEqual(await next("alice carol@localhost", ""), [], "there the address says what is open");
});
