// Two tabs of one browser, of which the other keeps a message first. Run by
// `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { listeners, settle } from "./support.mjs";
import { countAnotherTabsUnread } from "../../static/js/chat/connection/anotherTab.js";

/** A conversation that begins with what the browser has kept of it. */
function conversation(kept) {
  const counted = [];
  class ChatBox {
    messages = { models: kept, length: kept.length };
    async getDuplicateMessage({ msgid }) {
      return kept.find((message) => message.msgid === msgid);
    }
    async onMessage(attrs) {
      if (!(await this.getDuplicateMessage(attrs))) this.handleUnreadMessage(attrs);
    }
    handleUnreadMessage({ msgid }) {
      counted.push(msgid);
    }
  }
  const { listen, tell } = listeners();
  countAnotherTabsUnread({ api: { listen }, exports: { ChatBox } }, Promise.resolve());
  return { box: new ChatBox(), tell, counted };
}

test("a message that another tab kept first is counted as unread", async () => {
  const { box, tell, counted } = conversation([{ msgid: "one" }]);
  await settle();
  tell("chatBoxInitialized", box);
  await box.onMessage({ msgid: "one", sender: "them" });
  assert.deepEqual(counted, ["one"]);
  await box.onMessage({ msgid: "one", sender: "them" }); // once
  await box.onMessage({ msgid: "two", sender: "them" });
  assert.deepEqual(counted, ["one", "two"]);
});

test("what the archive tells, and what was said here, is not", async () => {
  const { box, tell, counted } = conversation([{ msgid: "one" }, { msgid: "two" }]);
  await settle();
  tell("chatBoxInitialized", box);
  await box.onMessage({ msgid: "one", sender: "them", is_archived: true });
  await box.onMessage({ msgid: "two", sender: "me" });
  assert.deepEqual(counted, []);
});
