// The form for a new room. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "./support.mjs";

globalThis.document = /** @type {any} */ (new EventTarget());
const { NewRoom } = await import("../../static/js/chat/begin/newRoom.js");

test("a room that is made late is not opened over what one does by then, and keeps no other from being made", async (t) => {
  const submits = [];
  const html = (_strings, submit) => submits.push(submit);
  globalThis.window = /** @type {any} */ ({ converse: { env: { html, render() {} } } });
  globalThis.FormData = /** @type {any} */ (class {
    get = () => "Garden";
  });
  const answers = [];
  t.mock.method(globalThis, "fetch", () => new Promise((resolve) => answers.push((jid) => resolve({ ok: true, json: async () => ({ jid }) }))));
  let told = 0;
  document.addEventListener("foyer:rooms", () => told++);
  const opened = [];
  const form = new NewRoom((jid) => opened.push(jid));
  const within = /** @type {any} */ ({ querySelector: () => null });
  const submit = () => submits.findLast((each) => typeof each === "function" && each.length === 1)({ preventDefault() {} });
  form.draw(within);
  submit();
  submit(); // twice is once
  assert.equal(answers.length, 1);
  form.end();
  form.draw(within);
  submit();
  assert.equal(answers.length, 2);
  answers[0]("first@rooms.h");
  await settle();
  assert.deepEqual([opened, told], [[], 1], "the list tells of it");
  answers[1]("second@rooms.h");
  await settle();
  assert.deepEqual(opened, ["second@rooms.h"]);
});
