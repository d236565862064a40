// Which conversation is open. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model, settle } from "./support.mjs";

const config = { domain: "localhost", roomsDomain: "rooms.localhost" };
const attributes = new Set();
const chat = { removeAttribute: (name) => attributes.delete(name) };
globalThis.document = Object.assign(new EventTarget(), { body: { dataset: { page: "chat" } }, title: "Chat · Foyer", getElementById: () => chat });
globalThis.location = /** @type {any} */ ({ origin: "http://localhost", search: "" });
globalThis.window = /** @type {any} */ (Object.assign(new EventTarget(), { Turbo: { navigator: { history: { push: ({ pathname }) => (location.pathname = pathname) } } } }));
const kept = new Map();
globalThis.sessionStorage = /** @type {any} */ ({ getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) });
const { openedByAddress, openOnlyWhatIsAsked } = await import("../../static/js/chat/conversation.js");

test("a conversation that is closed does not open again with the next stream", async () => {
  location.pathname = "/chat/with/bob";
  const { listen, tell } = listeners();
  const opened = [];
  const bob = new Model({ jid: "bob@localhost", hidden: false });
  const chatboxes = Object.assign(new Map([["bob@localhost", bob]]), { models: [] });
  openedByAddress({ api: { listen, chats: { open: (jid) => opened.push(jid) } }, state: { chatboxes } }, config);
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
  for (const path of ["/chat/with/bob", "/chat"]) {
    location.pathname = path;
    attributes.add("data-going");
    const { listen, tell } = listeners();
    openedByAddress({ api: { listen }, state: { chatboxes } }, config);
    assert.ok(attributes.has("data-going"), path); // nothing is known yet
    tell("connected");
    await settle();
    assert.ok(!attributes.has("data-going"), path);
  }
});

test("Back to the list leaves no conversation open, and Back to another one leaves that to its address", () => {
  const [bob, lobby] = [new Model({ jid: "bob@localhost", hidden: false }), new Model({ jid: "lobby@rooms.localhost", hidden: true })];
  openedByAddress({ api: { listen: listeners().listen }, state: { chatboxes: { models: [bob, lobby] } } }, config);
  location.pathname = "/chat/with/carol";
  window.dispatchEvent(new Event("popstate"));
  assert.equal(bob.get("hidden"), false);
  location.pathname = "/chat";
  window.dispatchEvent(new Event("popstate"));
  assert.equal(bob.get("hidden"), true);
});

test("no other conversation opens in the place of one that is closed", () => {
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
  openOnlyWhatIsAsked({ exports: { ChatBox: class extends Chat {}, MUC: Room } });
  const [unasked, open] = [new Room({ jid: "lobby", hidden: true }), new Room({ jid: "garden", hidden: false })];
  assert.equal(unasked.maybeShow(), unasked);
  assert.deepEqual(shown, []);
  open.maybeShow(); // as its element does when it is drawn
  unasked.maybeShow(true);
  assert.deepEqual(shown, ["garden", "lobby"]);
});

test("on other pages what a person had open in the tab is open again, unless something is", async () => {
  document.body.dataset.page = "home";
  const me = { ...config, user: "alice" };
  /** What a page opens whose browser kept these conversations. */
  const opens = async (conversations, person = me) => {
    const { listen, tell } = listeners();
    const opened = [];
    const chatboxes = Object.assign(new Model(), { models: conversations });
    const api = { listen, waitUntil: async () => {}, chats: { open: (jid) => opened.push(jid) }, rooms: { open: (jid) => opened.push(jid) } };
    openedByAddress({ api, state: { chatboxes } }, person);
    tell("chatBoxesInitialized");
    tell("rosterContactsFetched");
    tell("connected"); // once is enough
    await settle();
    return { opened, chatboxes };
  };
  const [bob, lobby] = [new Model({ jid: "bob@localhost", type: "chatbox", hidden: true }), new Model({ jid: "lobby@rooms.localhost", type: "chatroom", hidden: false })];
  const list = new Model({ jid: "controlbox", type: "controlbox", hidden: false });
  const { opened, chatboxes } = await opens([list, bob, lobby]);
  assert.deepEqual(opened, []);
  chatboxes.trigger("change:hidden");
  assert.deepEqual((await opens([list, bob])).opened, ["lobby@rooms.localhost"], "it is not kept yet that it is open");
  assert.deepEqual((await opens([lobby])).opened, [], "it is open");
  assert.deepEqual((await opens([], { ...me, user: "bob" })).opened, [], "it is another person's");
  document.body.dataset.page = "chat";
  location.pathname = "/chat";
  assert.deepEqual((await opens([])).opened, [], "there the address says what is open");
  document.body.dataset.page = "home";
  lobby.save({ hidden: true });
  chatboxes.trigger("change:hidden");
  assert.deepEqual((await opens([lobby])).opened, [], "who went back to the list finds the list");
});
