// Which messages are files. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Model } from "./support.mjs";

globalThis.document = Object.assign(new EventTarget(), { getElementById: () => null });
Object.defineProperty(globalThis, "location", { value: new URL("https://site.example/chat"), configurable: true });
const { fileOf, withFiles } = await import("../../static/js/chat/messages/files.js");
const { lineOf } = await import("../../static/js/chat/list/entries.js");

const config = { fileHosts: ["files.example"] };
const box = new Model({ type: "chatbox", jid: "bob@h" });
const address = "https://site.example/upload/1/tree.jpg";
const quote = "> Alice:\n> Any pictures?\n";

/** What a message is in its conversation, and in the list. */
function seen({ quoted = "", ...attributes }) {
  const message = Object.assign(new Model({ type: "chat", time: "2026-11-28T10:00:00Z", sender: "them", ...attributes, body: quoted + (attributes.body ?? "") }), {
    getMessageText: () => attributes.plaintext ?? attributes.body,
  });
  const { kind = "text", text } = lineOf(box, message) ?? {};
  return [fileOf(config, message)?.name, kind, text];
}

test("a file is one in its conversation and in the list", () => {
  for (const [what, message, expected] of /** @type {[string, any, any[]][]} */ ([
    ["as apps send it", { body: address, oob_url: address }, ["tree.jpg", "file", "tree.jpg"]],
    ["with blanks around it", { body: ` ${address}\n`, oob_url: address }, ["tree.jpg", "file", "tree.jpg"]],
    ["as its address alone", { body: address }, ["tree.jpg", "file", "tree.jpg"]],
    ["beside no text", { oob_url: address }, ["tree.jpg", "file", "tree.jpg"]],
    ["an answer, with what it answers before it", { quoted: quote, body: address, oob_url: address, reply_to_id: "1" }, ["tree.jpg", "file", "tree.jpg"]],
    ["a text with a file beside it", { body: "Look at this", oob_url: address }, [undefined, "text", "Look at this"]],
    ["a text about a file", { body: `Look at ${address}` }, [undefined, "text", `Look at ${address}`]],
    ["a page of the site", { body: "https://site.example/articles/garden" }, [undefined, "text", "https://site.example/articles/garden"]],
  ])) assert.deepEqual(seen(message), expected, what);
});

test("of a file that another site keeps nothing is fetched", () => {
  const elsewhere = "https://elsewhere.example/upload/1/tree.jpg";
  assert.deepEqual(seen({ body: elsewhere, oob_url: elsewhere }), [undefined, "file", "tree.jpg"]);
});

test("a conversation shows the small version of a picture that the site keeps, where there may be one", () => {
  const shown = (url) => fileOf(config, Object.assign(new Model({ oob_url: url }), { getMessageText: () => url })).shown;
  for (const name of ["tree.jpg", "tree.JPEG", "t%3Fr%23ee.png", "tree.webp"]) assert.equal(shown(`https://site.example/upload/1/${name}`), `https://site.example/upload/1/${name}?small`);
  for (const url of [
    "https://site.example/upload/1/moves.gif", "https://site.example/upload/1/tree.avif", "https://site.example/upload/1/film.mp4", "https://site.example/upload/1/tree.jpg.pdf",
    "https://site.example/upload/1/tree.jpg?x", "https://site.example/upload/1/tree.jpg#x", "https://site.example/pictures/tree.jpg", "https://files.example/upload/1/tree.jpg",
  ]) assert.equal(shown(url), url);
});

test("among the pictures that one goes through are none that were deleted", () => {
  const picture = (name, attributes = {}) => {
    const url = `https://site.example/upload/1/${name}.jpg`;
    return Object.assign(new Model({ oob_url: url, ...attributes }), { getMessageText: () => url });
  };
  const models = [picture("a"), picture("b", { retracted: "2026-11-28T10:00:00Z" }), picture("c", { moderated: "retracted" }), Object.assign(new Model({}), { getMessageText: () => "Hello" }), picture("d")];
  globalThis.window ??= /** @type {any} */ ({ converse: { env: {} } });
  const Message = withFiles(config, class {});
  const message = Object.assign(new Message(), { model: Object.assign(models[0], { collection: { models } }) });
  assert.deepEqual(message.pictures().map(({ name }) => name), ["a.jpg", "d.jpg"]);
});
