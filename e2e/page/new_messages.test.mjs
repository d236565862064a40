// The line above what is new in a conversation. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { listeners, Model } from "./support.mjs";

Object.assign(globalThis, { document: new EventTarget() });
const { panel } = await import("../../static/js/chat/panel.js");
const { markNewMessages } = await import("../../static/js/chat/history/newMessages.js");

/** A conversation in sight that was read up to a time, and what comes: each message is called by when it was said. */
function conversation(read) {
  panel.visible = () => true;
  const { listen, tell } = listeners();
  markNewMessages({ api: { listen }, state: {} }, { readId: () => "", isUpTo: () => false });
  const messages = Object.assign(new Model(), { models: [], get: (id) => messages.models.find((message) => message.get("id") === id) });
  const box = Object.assign(new Model({ type: "chatbox", jid: "bob@h", seen_until: read }), { messages, ui: new Model() });
  tell("chatBoxInitialized", box);
  const come = (time) => {
    const message = new Model({ id: time, type: "chat", sender: "them", time });
    messages.models.push(message);
    messages.models.sort((a, b) => (a.get("time") < b.get("time") ? -1 : 1));
    for (const heard of messages.heard.add) heard(message);
    return box.get("first_unread_id");
  };
  const scroll = (scrolled) => {
    box.ui.set({ scrolled });
    box.ui.trigger("change:scrolled");
  };
  return { come, line: () => box.get("first_unread_id"), scroll, seen: () => box.get("seen_until") };
}

test("the line goes to what is older and new as that comes, before it is drawn, and stays above what was read", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { come, line } = conversation("2026-11-02");
  come("2026-11-08");
  mock.timers.tick(300);
  assert.equal(line(), "2026-11-08");
  assert.equal(come("2026-11-05"), "2026-11-05", "at once");
  assert.equal(come("2026-11-01"), "2026-11-05", "what was read moves nothing");
  assert.equal(come("2026-11-09"), "2026-11-05");
  mock.timers.tick(300);
  assert.equal(line(), "2026-11-05");
  mock.timers.reset();
});

test("what comes while somebody reads further up was not in sight, until they are at the end", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { come, scroll, seen } = conversation("2026-11-02");
  come("2026-11-03");
  mock.timers.tick(300);
  assert.equal(seen(), "2026-11-03");
  scroll(true);
  come("2026-11-04");
  mock.timers.tick(300);
  assert.equal(seen(), "2026-11-03");
  scroll(false);
  assert.equal(seen(), "2026-11-04");
  mock.timers.reset();
});
