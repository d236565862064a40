// The members of a room, in its panel. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, Model, settle } from "./support.mjs";

const element = () => ({
  style: {}, dataset: {}, classList: { toggle() {} }, append() {}, addEventListener() {}, setAttribute() {}, contains: () => false, querySelector: () => null,
  parentElement: { append() {} },
});
globalThis.document = Object.assign(new EventTarget(), { body: { dataset: {} }, createElement: element, getElementById: element, querySelectorAll: () => [] });
globalThis.ResizeObserver ??= class {
  observe() {}
};
Object.assign(globalThis, { getComputedStyle: () => ({}), requestAnimationFrame() {}, sessionStorage: { getItem: () => "members", setItem() {} } });
const { RoomPanel } = await import("../../static/js/chat/room/panel.js");

test("behind another server the lists of a room are asked for again once one is in it: who is banned is told to those who look after it", async () => {
  globalThis.window = { converse: { env: { html: () => "", render() {} } } };
  globalThis.fetch = async () => ({ ok: false });
  const own = new Model({});
  const session = Object.assign(new Model({}), { off() {} });
  const quiet = () => Object.assign(new Model(), { off() {} });
  const room = Object.assign(new Model({ type: "chatroom", jid: "garden@rooms.h" }), {
    off() {}, session, features: quiet(), config: quiet(), occupants: Object.assign(quiet(), { models: [] }),
    isEntered: () => session.get("connection_status") === "entered", getOwnOccupant: () => own, getDisplayName: () => "Garden",
  });
  const asked = [];
  const { listen, tell } = listeners();
  const chatboxes = Object.assign(new Model(), { models: [] });
  const api = { listen, rooms: { affiliations: { get: async (standing) => (asked.push(standing), []) } } };
  void new RoomPanel({ api, state: { chatboxes } }, { follow: false });
  chatboxes.models.push(room);
  tell("chatRoomInitialized", room);
  await settle();
  assert.deepEqual(asked.splice(0), ["owner", "admin", "member"]);
  own.set({ affiliation: "owner" });
  session.set({ connection_status: "entered" });
  session.trigger("change:connection_status");
  await settle();
  assert.deepEqual(asked, ["owner", "admin", "member", "outcast"]);
});
