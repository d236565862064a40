// When something was said, in a browser whose clock is wrong. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { hook, Model } from "./support.mjs";

globalThis.document = Object.assign(new EventTarget(), { body: { dataset: {} } });
globalThis.window = {};
const { siteTime, timeIn } = await import("../../static/js/chat/siteTime.js");
const { keepTimes, mendTimes } = await import("../../static/js/chat/history/times.js");

const OWN = "alice@h";
const KEY = `stanza_id ${OWN}`;
const NOW = Date.parse("2026-11-30T12:00:00.000Z"); // at the site
const AHEAD = 5 * 60_000; // is the browser

const at = (ms) => new Date(NOW + ms).toISOString();
/** An id that this site's archive gives at a time. */
const idAt = (ms) => `${(NOW + ms).toString(16).padStart(12, "0").replace(/^(.{8})/, "$1-")}-7000-8000-000000000000`;

/** A conversation, and what Converse's hooks make of something. */
function conversation(...said) {
  const hooks = {};
  class ChatBox extends Model {
    messages = { models: said.map((attributes) => Object.assign(new Model(attributes), { collection: { chatbox: this } })) };
    createMessage = undefined;
  }
  delete ChatBox.prototype.createMessage;
  const make = function (attributes) {
    const message = Object.assign(new Model({ time: new Date().toISOString(), ...attributes }), { collection: { chatbox: this } });
    this.messages.models.push(message);
    return message;
  };
  class MUC extends ChatBox {}
  class MUCOccupant extends ChatBox {}
  for (const { prototype } of [ChatBox, MUC, MUCOccupant]) prototype.createMessage = make;
  const listen = { on: (name, listener) => (hooks[name] ??= []).push(listener) };
  keepTimes({ api: { listen }, exports: { ChatBox, MUC, MUCOccupant }, session: new Model({ bare_jid: OWN }) }, { has: Boolean, key: () => KEY });
  const box = new ChatBox();
  delete box.createMessage;
  return { box, told: (name, ...args) => hook(hooks[name] ?? [], ...args) };
}

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["Date"], now: NOW + AHEAD });
  siteTime.tell(NOW, NOW + AHEAD);
});

test("what is said has the time of its id, and what has none yet that of the site", async () => {
  const { box, told } = conversation({ time: at(-1000) });
  const live = { time: at(AHEAD), received: at(AHEAD) };
  assert.equal((await told("parseMessage", null, { ...live, [KEY]: idAt(-20) })).time, at(-20));
  assert.equal((await told("parseMUCMessage", null, { ...live, "stanza_id garden@rooms.h": idAt(-30) }, new Model({ jid: "garden@rooms.h" }))).time, at(-30));
  assert.equal((await told("parseMessage", null, { ...live, "stanza_id bob@h": idAt(-9e6) })).time, at(0), "an id of anybody else's says nothing");
  const other = await told("parseMessage", null, { ...live, [KEY]: "another-server-s" });
  assert.deepEqual([other.time, other.timed], [at(0), true]);
  const draft = await told("parseMessage", null, { ...live, [KEY]: "06b0ddb6-88bb-7330-906c-88500b3995e9" }); // of Prosody 13
  assert.deepEqual([draft.time, draft.timed, siteTime.now()], [at(0), true, NOW]);
  const delayed = await told("parseMessage", null, { ...live, time: at(-5000), is_delayed: true, [KEY]: "another-server-s" });
  assert.deepEqual([delayed.time, delayed.timed], [at(-5000), undefined]);

  const own = box.createMessage({ sender: "me", msgid: "mine", time: at(AHEAD) });
  assert.equal(own.get("time"), at(0));
  const reflected = { msgid: "mine", time: at(40), [KEY]: idAt(40) };
  assert.deepEqual(await told("getUpdatedMessageAttributes", own, {}, reflected), { time: at(40), [KEY]: idAt(40) });
  assert.deepEqual(await told("getUpdatedMessageAttributes", own, {}, { ...reflected, msgid: "a reaction" }), {});
  assert.deepEqual(await told("getUpdatedMessageAttributes", new Model({ msgid: "mine" }), {}, reflected), {}, "it was removed meanwhile");
});

test("what is said now comes after what is there, unless that is far ahead", () => {
  const after = (ms) => timeIn({ messages: { models: [new Model({ time: at(ms) })] } });
  assert.equal(after(-1000), at(0));
  assert.equal(after(500), at(501));
  assert.equal(after(60_000), at(0));
});

test("the browser's clock is as far ahead as the quickest answer says, until it is set", () => {
  siteTime.tell(NOW - 300, NOW + AHEAD - 400); // it took 400 ms, of which 100 were the way there
  assert.equal(siteTime.now(), NOW);
  siteTime.hear(NOW + 50); // which nobody can have said yet
  assert.equal(siteTime.now(), NOW + 50);
  mock.timers.setTime(NOW + 2 * AHEAD);
  siteTime.tell(NOW + 60, NOW + 2 * AHEAD - 10);
  assert.equal(siteTime.now(), NOW + 60);
});

test("times that an earlier release kept are put right", () => {
  const live = (ms, id) => ({ time: at(ms + AHEAD), sender: "them", [KEY]: id });
  const kept = [
    { time: at(-90_000), sender: "them", is_archived: true, [KEY]: idAt(-90_000) },
    { time: at(-50_000 + AHEAD), sender: "me" },
    live(-60_000, idAt(-60_000)),
    live(-40_000, idAt(-40_000)),
    live(-30_000, "another-server-s"),
    { time: at(-20_000 + AHEAD), type: "info" },
  ];
  mendTimes(kept, KEY);
  assert.deepEqual(kept.map(({ time }) => time), [at(-90_000), at(-50_000), at(-60_000), at(-40_000), at(-30_000 + AHEAD), at(-20_000 + AHEAD)]);
  const right = [{ time: at(-59_500), sender: "them", [KEY]: idAt(-60_000) }];
  assert.equal(mendTimes(right, KEY).size, 0, "it took half a second to come");
});
