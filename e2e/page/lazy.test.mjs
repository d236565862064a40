// What is fetched when it is needed, and comes late. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Model } from "./support.mjs";

globalThis.document = Object.assign(new EventTarget(), { body: { dataset: {} }, activeElement: null });
globalThis.Element ??= class {};
globalThis.CSS = /** @type {any} */ ({ supports: () => true });
globalThis.CustomEvent ??= class extends Event {};
globalThis.localStorage = /** @type {any} */ ({ getItem: () => null, setItem() {}, removeItem() {} });
const html = (parts, ...values) => ({ parts, values });
globalThis.window = Object.assign(new EventTarget(), { converse: { env: { html } } });
const { withLazy, withLazyUnlessBusy } = await import("../../static/js/chat/lazy.js");
const { withFiles } = await import("../../static/js/chat/messages/files.js");
const { withComposer } = await import("../../static/js/chat/composer/form.js");
const { drafts } = await import("../../static/js/chat/composer/drafts.js");

/** What a template does at an event. */
const handler = ({ parts, values }, event) => values[parts.findLastIndex((part) => part.endsWith(`@${event}=`))];

const press = (type, repeat = false) => document.dispatchEvent(Object.assign(new Event(type), { repeat }));

class Form {
  async initialize() {}
  listenTo() {}
  requestUpdate() {}
  list = Object.assign(new EventTarget(), { children: [], replaceChildren() {} });
  textarea_ = { value: "", selectionStart: 0, selectionEnd: 0, removeAttribute() {} };
  querySelector = (selector) => ({ ".chat-textarea": this.textarea_, ".suggestion-box__results": this.list })[selector] ?? null;
}

/** A composer, and what a click into its field does. */
async function composer() {
  const model = Object.assign(new Model({ jid: "bob@h" }), { messages: { findWhere() {} } });
  const made = Object.assign(new (withComposer({ api: { connection: { connected: () => false }, elements: { registry: {} } } }, Form))(), { model });
  await made.initialize();
  const all = (part) => (Array.isArray(part) ? part.flatMap(all) : part?.values ? [part, ...all(part.values)] : []);
  const form = all(made.render()).find(({ parts }) => parts.some((part) => part.includes("<textarea")));
  return { made, complete: handler(form, "click") };
}

// In this order: it loads once.
test("what comes late opens not over what was begun meanwhile, and names are offered where one still writes", async () => {
  drafts.open("alice@h");
  const [left, stays] = [await composer(), await composer()];
  const opened = [];
  const Message = withFiles({ fileHosts: [] }, class {});
  const look = (name) => {
    const message = Object.assign(new Message(), { pictures: () => (opened.push(name), []) });
    handler(message.renderPicture({ url: "https://site.example/a.png", name }), "click")({ preventDefault() {} });
  };
  look("a picture");
  press("pointerdown");
  withLazyUnlessBusy(() => opened.push("a card"));
  press("keydown");
  look("the one that was pressed last");
  press("keydown", true); // a key that is held begins nothing
  left.complete();
  stays.complete();
  document.activeElement = stays.made.textarea_;
  await new Promise(withLazy);
  assert.deepEqual(opened, ["the one that was pressed last"]);
  assert.deepEqual([left, stays].map(({ made }) => Boolean(made.completion)), [false, true]);
  press("keydown");
  withLazyUnlessBusy(() => opened.push("at once"));
  assert.equal(opened.at(-1), "at once");
});
