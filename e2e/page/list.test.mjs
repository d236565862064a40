// The last line of a conversation, in the list. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Model } from "./support.mjs";
import { entries, lineOf } from "../../static/js/chat/list/entries.js";
import { lineText, lineWithAuthor } from "../../static/js/chat/list/row.js";
import { isSaid } from "../../static/js/chat/history/newMessages.js";

const room = new Model({ type: "chatroom", jid: "garden@rooms.h" });
const message = (attributes) => Object.assign(new Model({ type: "groupchat", time: "2026-11-28T10:00:00Z", nick: "Bob", ...attributes }), { getMessageText: () => attributes.body ?? "" });

test("what takes back a message that is not in the browser says nothing, until that comes", () => {
  for (const gone of [{ retracted: "2026-11-28T11:00:00Z", dangling_retraction: true }, { moderated: "retracted", dangling_moderation: true }]) {
    const taken = message(gone);
    assert.equal(lineOf(room, taken), null);
    assert.equal(isSaid(taken), false);
    taken.set({ body: "Hello", dangling_retraction: false, dangling_moderation: false });
    assert.equal(lineOf(room, taken)?.kind, "deleted");
    assert.equal(isSaid(taken), true);
  }
});

test("what somebody does is read after their name, one's own too (XEP-0245)", () => {
  const at = "2026-11-28T10:00:00Z";
  const told = new Map(Object.entries({
    bob: { room: false, name: "Bob Baker", last: { at, text: "/me waves" } },
    carol: { room: false, name: "Carol Costa", last: { at, text: "/me nods", mine: true } },
    garden: { room: true, name: "Garden", last: { at, text: "/me digs", by: "Bobby" } },
    dave: { room: false, name: "Dave Dunn", last: { at, text: "/menu", mine: true } },
  }).map(([jid, entry]) => [jid, { jid, unread: 0, ...entry }]));
  const shown = entries({ api: { settings: new Map([["nickname", "Alice Adler"]]) }, state: {} }, told);
  assert.deepEqual(Object.fromEntries(shown.map(({ jid, last }) => [jid, lineWithAuthor(last)])), { bob: "Bob Baker waves", carol: "Alice Adler nods", garden: "Bobby digs", dave: "/menu" });
  assert.equal(lineText(told.get("garden").last), "digs"); // where the name stands before it already
});
