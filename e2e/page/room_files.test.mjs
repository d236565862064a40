// The files of a room, in its panel. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "./support.mjs";

globalThis.document = Object.assign(new EventTarget(), { getElementById: () => null });
Object.defineProperty(globalThis, "location", { value: new URL("https://site.example/chat"), configurable: true });
const { Files } = await import("../../static/js/chat/room/files.js");

/** What is drawn of a template, without what is done when it is pressed. */
const text = (part) => (Array.isArray(part) ? part.map(text).join("") : part?.strings ? part.strings.map((string, i) => string + text(part.values[i])).join("") : ["function", "undefined"].includes(typeof part) ? "" : String(part));

/** The rows of files that the site's search finds. */
async function rowsOf(...found) {
  globalThis.window = { converse: { env: { html: (strings, ...values) => ({ strings, values }) } } };
  globalThis.fetch = async () => ({ ok: true, json: async () => ({ messages: found.map((file, i) => ({ id: String(i), at: "2026-01-01T00:00:00Z", who: "Bob", ...file })) }) });
  const room = { get: () => "garden@rooms.h" };
  const files = new Files({}, { search: true, fileHosts: ["files.example"] }, { room, soon() {} });
  files.opened();
  await settle();
  return text(files.render(room)).split("<li>").slice(1);
}

test("a picture that the site keeps stands small in its row, and takes its room before it is there", async () => {
  const [row, other] = await rowsOf({ text: "tree.jpg", url: "https://site.example/upload/1/tree.jpg" }, { text: "map.webp", url: "https://files.example/2/map.webp" });
  assert.match(row, /aria-label=Picture: tree\.jpg/);
  assert.match(row, /<img src=https:\/\/site\.example\/upload\/1\/tree\.jpg\?small alt="" width="48" height="48" loading="lazy" decoding="async"/);
  assert.match(row, /room-files__name">tree\.jpg</);
  assert.match(other, /<img src=https:\/\/files\.example\/2\/map\.webp /);
});

test("any other file has a sign, and nothing is fetched from elsewhere", async () => {
  const rows = await rowsOf({ text: "plan.pdf", url: "https://site.example/upload/1/plan.pdf" }, { text: "spy.png", url: "https://elsewhere.example/upload/spy.png" }, { text: "old.gif" });
  assert.deepEqual(rows.map((row) => /aria-hidden="true">(\w+)</.exec(row)?.[1]), ["PDF", "PNG", "GIF"]);
  for (const row of rows) assert.doesNotMatch(row, /<img/);
});

test("they are looked for after the search that is under way: the site does one of a person at a time", async () => {
  const { findMessages } = await import("../../static/js/chat/search/find.js");
  const asked = [];
  const answers = [];
  globalThis.window = { converse: { env: { html: () => "" } } };
  globalThis.fetch = /** @type {any} */ ((address) => (asked.push(new URL(address, location.href).searchParams.get("q") ?? "files"), new Promise((resolve) => answers.push(resolve))));
  const search = findMessages({ q: "kettle" }, new AbortController().signal);
  new Files({}, { search: true, fileHosts: [] }, { room: { get: () => "garden@rooms.h" }, soon() {} }).opened();
  await settle();
  assert.deepEqual(asked, ["kettle"]);
  answers[0](Response.json({ messages: [] }));
  await search;
  await settle();
  assert.deepEqual(asked, ["kettle", "files"]);
});
