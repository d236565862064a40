// When a conversation is drawn again. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Model, settle } from "./support.mjs";

globalThis.document ??= new EventTarget();
globalThis.ResizeObserver ??= class {};
globalThis.requestAnimationFrame ??= () => {};
const { installHistoryView } = await import("../../static/js/chat/history/historyView.js");

/** Converse's base of elements. */
class Element {
  updates = 0;
  isConnected = true;
  listenTo(model, names, listener) {
    model.on(names, listener);
  }
  requestUpdate() {
    this.updates++;
  }
}

/** A room that is drawn, and how often. */
async function drawn() {
  globalThis.window = { converse: { env: {} } };
  const types = {};
  installHistoryView({ api: { elements: { registry: { "converse-message-history": class extends Element {} }, define: (name, type) => (types[name] = type) } } });
  const model = Object.assign(new Model(), { messages: new Model() });
  for (const name of ["ui", "notifications", "occupants", "session", "features", "config"]) model[name] = new Model();
  const content = Object.assign(new types["converse-muc-chat-content"](), { model });
  await content.initialize();
  const before = content.updates;
  return { model, times: () => content.updates - before };
}

test("the beginning of a room is drawn again when it is entered, and with what it says of itself", async () => {
  const { model, times } = await drawn();
  for (const about of [model.session, model.features, model.config]) about.trigger("change", about);
  await settle();
  assert.equal(times(), 3);
});

test("the way down to the latest says that there are new ones, which are counted after they are drawn", async () => {
  const { model, times } = await drawn();
  model.trigger("change:num_unread", model);
  model.trigger("change:num_unread_general", model);
  assert.equal(times(), 2);
});
