// Which messages are shown large. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { enlargeEmoji } from "../../static/js/chat/messages/emoji.js";

test("up to three emoji alone are shown large, with spaces between them or without, and nothing else is", () => {
  const hooks = new Map();
  enlargeEmoji(/** @type {any} */ ({ api: { listen: { on: (name, look) => hooks.set(name, look) } } }));
  const isLarge = (hook, attributes) => hooks.get(hook)({}, { is_only_emojis: false, ...attributes }).is_only_emojis;
  for (const body of ["🎉", "🎉🎉", "🎉 ❤️👍🏽", "👩‍👩‍👧🏳️‍🌈🇩🇪", "🏴󠁧󠁢󠁳󠁣󠁴󠁿🏃🏽‍♀️☝🏿", " 1️⃣\n"]) {
    assert.equal(isLarge("parseMessage", { body }), true, body);
    assert.equal(isLarge("parseMUCMessage", { body }), true, body);
    assert.equal(isLarge("getOutgoingMessageAttributes", { original_text: body, body: `> quoted\n${body}` }), true, body);
  }
  for (const body of ["", "🎉🎉🎉🎉", "🎉!", "1", "123", "#", "™", undefined]) assert.equal(isLarge("parseMessage", { body }), false, body);
  assert.equal(hooks.get("parseMessage")({}, { body: ":)", is_only_emojis: true }).is_only_emojis, true, "what Converse knows by a name");
});
