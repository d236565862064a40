// A room's settings, in its panel. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Model, onClock, pass, settle } from "./support.mjs";

globalThis.document = Object.assign(new EventTarget(), { body: { dataset: {} } });
globalThis.CustomEvent ??= class extends Event {};
globalThis.Element ??= class {};
const { configure } = await import("../../static/js/chat/room/actions.js");
const { Settings } = await import("../../static/js/chat/room/settings.js");

const NAMES = { moderated: "muc#roomconfig_moderatedroom", topicByAll: "muc#roomconfig_changesubject" };

/** A stanza, and what it sets a room's fields to. */
const stx = (strings, ...values) => ({ strings, values });
const set = (stanza) => Object.fromEntries(stanza.values.flat().filter((value) => value?.strings?.[0].startsWith("<field")).map(({ values: [name, inner] }) => [name, inner[0].values[0]]));

/** A room with a form, whose server answers when it is let; and the panel that shows it. */
function page() {
  const html = (parts, ...values) => ({ parts, values });
  globalThis.window = { converse: { env: { html, stx, u: { getUniqueId: (name) => name } } } };
  const waiting = [];
  const turn = (answer) => new Promise((resolve, reject) => waiting.push({ resolve: () => resolve(answer?.()), reject }));
  const room = (jid) => {
    const fields = { [NAMES.moderated]: "0", [NAMES.topicByAll]: "0" };
    const field = ([name, value]) => ({ getAttribute: (key) => (key === "var" ? name : null), children: [{ localName: "value", textContent: value }] });
    return Object.assign(new Model({ jid }), {
      fields,
      isEntered: () => true,
      occupants: { models: [] },
      refreshDiscoInfo: async () => {},
      fetchRoomConfiguration: () => turn(() => ({ getElementsByTagNameNS: () => Object.entries(fields).map(field) })),
    });
  };
  const rooms = { "garden@rooms.h": room("garden@rooms.h"), "lobby@rooms.h": room("lobby@rooms.h") };
  const api = { sendIQ: (stanza) => turn(() => Object.assign(rooms[stanza.values[0]].fields, set(stanza))) };
  const panel = { room: rooms["garden@rooms.h"], drawn: [] };
  const settings = new Settings({ api }, {}, panel);
  panel.soon = () => panel.drawn.push(settings.settings && { ...settings.settings });
  /** The server answers what it was asked first. */
  const answer = async (how = "resolve", cause) => {
    waiting.shift()[how](cause);
    await settle();
  };
  const go = (jid) => {
    panel.room = rooms[jid];
    settings.enter();
    return settings.opened();
  };
  /** Turns a switch, by what it is called. */
  const turnOn = async (label) => {
    const all = (part) => (Array.isArray(part) ? part.flatMap(all) : part?.parts ? [part, ...part.values.flatMap(all)] : []);
    const [choice] = all(settings.render(panel.room)).filter(({ values }) => values.includes(label));
    choice.values.find((value) => typeof value === "function")({ target: { checked: true } });
    await settle();
  };
  return { api, rooms, panel, settings, answer, go, turnOn, waiting };
}

const MODERATED = "Only members may write";

test("a refusal of one room is not said in the next, whose settings are asked for", async () => {
  const { panel, settings, answer, go, waiting } = page();
  settings.opened();
  go("lobby@rooms.h");
  await answer("reject", new Error("no"));
  assert.equal(settings.said, "");
  settings.render(panel.room);
  assert.equal(waiting.length, 1);
  await answer();
  assert.equal(settings.settings.moderated, false);
});

test("what is saved late in one room is not shown in the next", async (t) => {
  onClock(t);
  const { settings, answer, go, turnOn } = page();
  settings.opened();
  await answer();
  await turnOn(MODERATED);
  go("lobby@rooms.h");
  await answer(); // the form, for the change
  await answer(); // that of the other room
  await answer(); // it is changed
  assert.deepEqual([settings.settings.moderated, settings.said], [false, ""]);
});

test("a switch goes back when the room does not allow what was chosen", async (t) => {
  onClock(t);
  const { panel, settings, answer, turnOn } = page();
  settings.opened();
  await answer();
  panel.drawn.length = 0;
  await turnOn(MODERATED);
  await answer();
  await answer("reject", Object.assign(new Element(), { querySelector: () => null }));
  assert.deepEqual(panel.drawn.map(({ moderated }) => moderated), [true, false]); // drawn as it was pressed, so that what was before is another
  assert.equal(settings.said, "The room did not allow that.");
});

test("of two changes at once none takes back the other", async (t) => {
  onClock(t);
  const { api, rooms, answer, waiting } = page();
  const garden = rooms["garden@rooms.h"];
  const both = [configure({ api }, garden, { moderated: true }), configure({ api }, garden, { topicByAll: true })];
  await settle();
  while (waiting.length) await answer();
  await Promise.all(both);
  assert.deepEqual(garden.fields, { [NAMES.moderated]: "1", [NAMES.topicByAll]: "1" });
});

test("settings that are asked for on a stream that is lost can be asked for again", async (t) => {
  onClock(t);
  const { settings, answer, waiting } = page();
  settings.opened();
  waiting.length = 0; // nobody answers any more
  await pass(t, 11_000, 500);
  assert.equal(settings.said, "The room did not answer. Please try again in a moment.");
  settings.opened();
  await answer();
  assert.deepEqual([settings.settings?.moderated, settings.said], [false, ""]);
});

test("a change that is lost with the stream is taken back", async (t) => {
  onClock(t);
  const { settings, answer, turnOn, waiting } = page();
  settings.opened();
  await answer();
  await turnOn(MODERATED);
  await answer(); // the form
  waiting.length = 0;
  await pass(t, 11_000, 500);
  assert.deepEqual([settings.settings.moderated, settings.said], [false, "The room did not answer. Please try again in a moment."]);
});

test("settings that were on their way when something was chosen do not take it back", async (t) => {
  onClock(t);
  const { settings, answer, turnOn, waiting } = page();
  settings.opened();
  await answer();
  settings.opened(); // the part is opened again: what is shown meanwhile is what was told before
  await turnOn(MODERATED);
  await answer();
  assert.equal(settings.settings.moderated, true);
  while (waiting.length) await answer();
  assert.deepEqual([settings.settings.moderated, settings.said], [true, "Saved."]);
});

test("what the room did not answer on a stream that was lost is asked for on the next", async (t) => {
  onClock(t);
  const { settings, answer, waiting } = page();
  settings.opened();
  waiting.shift(); // the stream is lost, and its answer with it
  settings.askAgain();
  await answer();
  assert.equal(settings.settings.moderated, false);
  await pass(t, 60_000);
  assert.equal(settings.said, "");

  settings.enter();
  settings.opened();
  waiting.shift();
  await pass(t, 60_000);
  assert.match(settings.said, /did not answer/);
  settings.askAgain();
  await answer();
  assert.deepEqual([settings.said, settings.settings.moderated], ["", false]);
});

test("settings that are asked for again while a change is on its way do not take it back", async (t) => {
  onClock(t);
  const { settings, answer, turnOn, waiting } = page();
  settings.opened();
  await answer();
  await turnOn(MODERATED); // asks for the form
  settings.askAgain(); // the stream goes on, and brings both answers
  while (waiting.length) await answer();
  assert.deepEqual([settings.settings.moderated, settings.said], [true, "Saved."]);
});
