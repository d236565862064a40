// How a message is drawn where Converse's own source is changed (scripts/converse.mjs). Run by
// `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { converseText, startConverse } from "./converse.mjs";
import "./support.mjs";

process.env.TZ = "Europe/Zurich";
const text = await converseText();
const { exports, api } = await startConverse(text, ["converse-adhoc", "converse-version", "converse-rosterview", "converse-adhoc-views", "converse-dragresize"]);

/** Messages of one conversation, in their order. */
function said(...all) {
  const messages = new exports.Messages();
  messages.fetched = Promise.resolve();
  return all.map((attributes) => messages.add(new exports.Message({ type: "chat", from: "bob@localhost", body: "Hi", ...attributes }), { silent: true, sort: false }));
}

test("messages of one author stand under one name where less than five minutes and no midnight are between them", () => {
  const stand = (...times) => said(...times.map((time) => ({ time }))).map((message) => message.isFollowup());
  assert.deepEqual(stand("2026-11-23T12:00:00.000Z", "2026-11-23T12:04:59.000Z", "2026-11-23T12:09:59.000Z"), [false, true, false]);
  assert.deepEqual(stand("2026-11-23T22:59:00.000Z", "2026-11-23T23:01:00.000Z", "2026-11-23T23:02:00.000Z"), [false, false, true], "midnight is where the reader is");
  const [, carol] = said({ time: "2026-11-23T12:00:00.000Z" }, { time: "2026-11-23T12:01:00.000Z", from: "carol@localhost" });
  assert.equal(carol.isFollowup(), false);
});

/** What a message's template has in it, from the first to the last. */
const parts = (drawn) => (Array.isArray(drawn) ? drawn.flatMap(parts) : drawn?.strings ? drawn.values.flatMap(parts) : [drawn]);

/** What is drawn of a message. */
function draw(model) {
  const { renderChatMessage } = api.elements.registry["converse-chat-message"].prototype;
  const nothing = () => "";
  return renderChatMessage.call({ model, model_with_messages: model, shouldShowAvatar: nothing, getExtraMessageClasses: nothing, renderMessageText: nothing });
}

test("beside a name stands when its message was said, also once that is edited, and of those below it each says so in an attribute", () => {
  const [first, second] = said({ time: "2026-11-23T12:00:00.000Z", edited: "2026-11-23T15:30:00.000Z" }, { time: "2026-11-23T12:03:00.000Z" });
  const head = parts(draw(first));
  assert.deepEqual(head.filter((part) => part === "13:00").length, 2, "in words, and in the attribute");
  assert.ok(!head.some((part) => /16:30|15:30/.test(part)));
  const below = draw(second);
  assert.match(below.strings.join("…"), /data-time="…"/);
  assert.deepEqual(parts(below).filter((part) => part === "13:03").length, 1);
});

test("a conversation that is left leaves nothing behind that looks at the window", () => {
  assert.ok(text.includes("onWindowStateChanged"));
  assert.doesNotMatch(text, /document\.addEventListener\(["']visibilitychange["'],\s*\(\)\s*=>\s*this\.onWindowStateChanged/);
});
