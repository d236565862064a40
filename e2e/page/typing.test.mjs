// Who types, in the page. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { followTyping } from "../../static/js/chat/composer/typing.js";
import { listeners, Model, onClock, pass } from "./support.mjs";

/** A conversation in which the other types, and a room. */
function typing(t) {
  onClock(t);
  globalThis.window = new EventTarget();
  const { listen, tell } = listeners();
  class Notifications extends Model {
    set(attributes) {
      const before = this.get("chat_state");
      super.set(attributes);
      if (this.get("chat_state") !== before) this.trigger("change:chat_state");
    }
  }
  const [chat, room] = [new Notifications(), new Notifications({ composing: ["Carol"] })].map((notifications) => ({ notifications }));
  followTyping({ api: { listen }, state: { chatboxes: { models: [chat, room, {}] } } });
  tell("chatBoxInitialized", chat);
  chat.notifications.set({ chat_state: "composing" });
  return { chat, room, tell };
}

for (const [what, lose] of [["there is no network", () => window.dispatchEvent(new Event("offline"))], ["the stream is lost", ({ tell }) => tell("will-reconnect")]]) {
  test(`nobody types any more when ${what}`, (t) => {
    const page = typing(t);
    lose(page);
    assert.equal(page.chat.notifications.get("chat_state"), null);
    assert.deepEqual(page.room.notifications.get("composing"), []);
  });
}

test("nor does somebody who is heard of no more; who goes on does", async (t) => {
  const { chat } = typing(t);
  await pass(t, 60_000, 10_000);
  for (const chat_state of ["paused", "composing"]) chat.notifications.set({ chat_state });
  await pass(t, 60_000, 10_000);
  assert.equal(chat.notifications.get("chat_state"), "composing");
  await pass(t, 40_000, 10_000);
  assert.equal(chat.notifications.get("chat_state"), null);
});
