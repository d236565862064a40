// What is behind links, as the page asks for it. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Model, onClock, pass } from "./support.mjs";

globalThis.document = Object.assign(new EventTarget(), { body: { dataset: {} } });
globalThis.location = /** @type {any} */ ({ host: "site.example" });
globalThis.window = { converse: { env: { html: (strings, ...values) => ({ strings, values }) } } };
const { withPreviews } = await import("../../static/js/chat/messages/previews.js");

class Message {
  updates = 0;
  constructor(link) {
    this.model = new Model({ type: "chat", body: link });
  }
  closest = () => null;
  requestUpdate() {
    this.updates++;
  }
  renderMessageText() {
    return "";
  }
}

test("what comes of a link that an edit took away changes nothing of what took its place", async (t) => {
  onClock(t);
  const answers = {};
  t.mock.method(globalThis, "fetch", (_path, { body }) => {
    const [link] = JSON.parse(body).links;
    return new Promise((resolve) => (answers[link] = (previews) => resolve({ ok: true, json: async () => ({ previews }) })));
  });
  const message = new (withPreviews({ previews: true }, Message))("https://wiki.example/before");
  message.renderMessageText();
  await pass(t, 200);
  const after = "https://wiki.example/after";
  message.model.set("body", after);
  message.renderMessageText();
  await pass(t, 200);
  answers["https://wiki.example/before"]({});
  await pass(t, 200);
  answers[after]({ [after]: { title: "Wasps" } });
  await pass(t, 200);
  assert.deepEqual(message.preview, { title: "Wasps" });
});

test("a link of which nothing came is asked for again later, and a preview is kept", async (t) => {
  onClock(t);
  const preview = { title: "Bees", site: "The garden wiki" };
  const asked = [];
  let answer = () => {};
  t.mock.method(globalThis, "fetch", async (_path, { body }) => {
    const { links } = JSON.parse(body);
    asked.push(...links);
    return answer(links);
  });
  const Shown = withPreviews({ previews: true }, Message);
  const all = { ok: true, json: async () => ({ previews: Object.fromEntries(asked.map((link) => [link, preview])) }) };
  const failures = { network: () => { throw new TypeError(); }, busy: () => ({ ok: false }), spent: (links) => ({ ok: true, json: async () => ({ previews: {}, later: links }) }) };
  for (const [name, fails] of Object.entries(failures)) {
    answer = fails;
    const link = `https://wiki.example/${name}`;
    const message = new Shown(link);
    const draw = async () => {
      message.renderMessageText();
      await pass(t, 200);
    };
    await draw();
    await draw();
    assert.deepEqual([asked.length, message.updates], [1, 0], `${name}: not each time that it is drawn`);
    answer = () => all;
    await pass(t, 120_000, 10_000);
    await draw();
    assert.deepEqual([asked.length, message.updates, message.preview], [2, 1, preview], name);
    await pass(t, 120_000, 10_000);
    await draw();
    new Shown(link).renderMessageText();
    await pass(t, 200);
    assert.equal(asked.length, 2, `${name}: what came is kept`);
    asked.length = 0;
  }
  answer = () => ({ ok: true, json: async () => ({ previews: {}, later: [] }) }); // there is nothing behind it
  for (let i = 0; i < 2; i++) {
    new Shown("https://wiki.example/plain").renderMessageText();
    await pass(t, 120_000, 10_000);
  }
  assert.equal(asked.length, 1);
});
