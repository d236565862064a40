// What the history shows of messages, and what is said of them. Run by `node --test e2e/page`; it
// needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model, settle } from "./support.mjs";
import { announceMessages, sentenceOf } from "../../static/js/chat/unread/announce.js";
import { firstOfDays, keepBlankLines, renameDays } from "../../static/js/chat/messages/messages.js";

const [monday, tuesday] = ["2026-11-23T12:00:00Z", "2026-11-24T12:00:00Z"];

/** The texts of the messages that a day's name stands above. */
function days(...all) {
  const collection = { models: [] };
  collection.models = all.map((attributes) => Object.assign(new Model({ type: "chat", ...attributes }), { collection }));
  return (from = 0) => [...firstOfDays(collection.models.slice(from))].map((model) => model.get("text"));
}

test("a day's name stands above the first message of it that is drawn", () => {
  const first = days({ time: monday, text: "one" }, { time: tuesday, text: "a reaction", dangling_reaction: true }, { time: tuesday, text: "two" });
  assert.deepEqual(first(), ["one", "two"]);
  assert.deepEqual(first(2), ["two"], "when what is not drawn is the message before");
});

test("after midnight the days of what is drawn have other names", (t) => {
  const evening = new Date(2026, 10, 23, 23, 58).getTime();
  t.mock.timers.enable({ apis: ["setInterval", "Date"], now: evening });
  let drawn = 0;
  let look = () => {};
  globalThis.document = /** @type {any} */ ({
    querySelectorAll: (selector) => (selector === "converse-message-history" ? [{ requestUpdate: () => drawn++ }] : []),
    addEventListener: (_name, listener) => { look = listener; },
  });
  renameDays();
  t.mock.timers.tick(60_000);
  look();
  assert.equal(drawn, 0, "before midnight");
  t.mock.timers.tick(60_000);
  assert.equal(drawn, 1);
  look();
  t.mock.timers.tick(600_000);
  assert.equal(drawn, 1, "once a day");
  t.mock.timers.setTime(evening + 2 * 24 * 3_600_000); // the machine slept
  look();
  assert.equal(drawn, 2);
});

test("no day's name stands alone, above what is not drawn", () => {
  const gone = new Model({ type: "chat", time: tuesday, file: true, upload: "pending" });
  const said = new Model({ type: "chat", time: monday });
  gone.collection = said.collection = { models: [said, gone] };
  assert.deepEqual([...firstOfDays([said, gone])], [said]);
  gone.file = { name: "plan.txt" }; // under way, and drawn
  assert.deepEqual([...firstOfDays([said, gone])], [said, gone]);
});

test("a screen reader hears who says what, and nothing of one's own or of what was said before", () => {
  const message = (attributes) => Object.assign(new Model({ type: "chat", time: monday, sender: "them", body: "Good\nmorning", ...attributes }), {
    getDisplayName: () => "Bob Baker",
    getMessageText: () => "Good\nmorning",
  });
  const box = new Model({ type: "chatbox" });
  for (const said of [{}, { time: tuesday, is_delayed: true }, { time: tuesday, is_archived: true }]) assert.equal(sentenceOf(box, message(said), tuesday), "Bob Baker: Good morning");
  for (const silent of [{ sender: "me" }, { is_delayed: true }, { is_archived: true }, { type: "info" }, { retracted: monday, dangling_retraction: true }]) {
    assert.equal(sentenceOf(box, message(silent), tuesday), "", JSON.stringify(silent));
  }
});

test("what the browser has kept is not told again", async () => {
  globalThis.document = /** @type {any} */ ({ getElementById: () => null });
  const { listen, tell } = listeners();
  announceMessages({ api: { listen } });
  let kept;
  const heard = [];
  const messages = { models: [], fetched: new Promise((resolve) => (kept = resolve)), on: (name) => heard.push(name) };
  assert.deepEqual(tell("chatRoomInitialized", { messages }), [undefined], "Converse waits for nothing");
  await settle();
  assert.deepEqual(heard, []);
  kept();
  await settle();
  assert.deepEqual(heard, ["add", "change:error_text"]);
});

test("what somebody in a room says in private is told where it opens, once", async () => {
  const said = [];
  const region = { append: ({ textContent }) => said.push(textContent), childElementCount: 1 };
  globalThis.document = /** @type {any} */ ({ hidden: false, body: { dataset: { page: "chat" } }, getElementById: () => region, createElement: () => ({}) });
  const { listen, tell } = listeners();
  announceMessages({ api: { listen } });
  const room = Object.assign(new Model({ type: "chatroom" }), { messages: Object.assign(new Model(), { models: [], fetched: Promise.resolve() }), occupants: new Model() });
  tell("chatRoomInitialized", room);
  await settle();
  const message = Object.assign(new Model({ type: "chat", time: monday, sender: "them", body: "Psst" }), { getDisplayName: () => "Bob Baker", getMessageText: () => "Psst" });
  const bob = Object.assign(new Model({ num_unread: 1 }), { messages: { models: [message] } });
  room.occupants.trigger("change:num_unread", bob);
  bob.set({ num_unread: 0 }); // one has scrolled up there, and back down
  room.occupants.trigger("change:num_unread", bob);
  assert.deepEqual(said, ["Bob Baker: Psst"]);
});

test("a blank line stays where somebody left one, and below code there is no other", () => {
  /** What is shown of a text, which has references where Converse draws more than letters. */
  const shown = (text, ...references) => {
    const added = [];
    keepBlankLines(Object.assign(new String(text), { references, addTemplateResult: (begin, end, lines) => added.push([begin, end, lines]) }));
    return added;
  };
  assert.deepEqual(shown("one\ntwo"), []);
  assert.deepEqual(shown("one\n\ntwo\n\nthree"), [[3, 5, "\n\n"], [8, 10, "\n\n"]]);
  assert.deepEqual(shown("one\n\n\ntwo"), [[3, 6, "\n\n"]], "of more than one, one stays");
  const code = "```\na\n\nb\n```";
  assert.deepEqual(shown(`${code}\nthen`, { begin: 0, end: code.length }), [[code.length, code.length + 1, ""]]);
  assert.deepEqual(shown(`${code}\n\nthen`, { begin: 0, end: code.length }), [[code.length, code.length + 2, "\n"]]);
});
