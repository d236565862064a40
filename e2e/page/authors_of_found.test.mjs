// Whose messages are looked for (static/js/chat/search/authors.js). Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import "./support.mjs";
import { findAuthors, takeAuthor, typedAuthor } from "../../static/js/chat/search/authors.js";

test("what is typed for an author is told from words, and taken out of them", () => {
  for (const [text, name, rest] of [
    ["from:bob", "bob", ""], ["kettle from:bo", "bo", "kettle"], ["from:me kettle", "me", "kettle"], ["a From:Bob b", "Bob", "a b"], ["kettle from:", "", "kettle"],
    ["from: kettle", "", "kettle"], ["kettle", undefined, "kettle"], ["afrom:bob", undefined, "afrom:bob"], ["from bob", undefined, "from bob"],
  ]) {
    assert.deepEqual([typedAuthor(String(text)), takeAuthor(String(text))], [name, rest], text);
  }
});

/** @type {any} */
const config = { jid: "alice@h", user: "alice", name: "Alice Adler", roomsDomain: "rooms.h" };
const person = (name, room = false) => ({ jid: `${name.split(" ")[0].toLowerCase()}@${room ? "rooms.h" : "h"}`, name, room });
const listed = [person("Bob Baker"), person("Bobs", true), person("Dave Dunn"), person("Alice Adler")];

test("who may be meant: oneself, who is in the room, whom one talks with, whom the site finds; each once", async (t) => {
  const asked = [];
  t.mock.method(globalThis, "fetch", async (address) => {
    asked.push(String(address));
    if (asked.at(-1)?.includes("/people")) return Response.json({ people: [person("Carol Costa"), person("Alice Adler"), person("Dave Dunn")] });
    return Response.json({ conversations: [person("Bob Baker"), person("Bobby Brown"), person("Bob room", true)] });
  });
  const { signal } = new AbortController();
  const find = async (name, where = "") => (await findAuthors(config, /** @type {any} */ (listed), name, where, signal)).map((each) => (each.self ? "me" : each.name));
  assert.deepEqual(await find(""), ["me", "Bob Baker", "Dave Dunn"]);
  assert.deepEqual(asked.splice(0), []);
  assert.deepEqual(await find("bo"), ["Bob Baker", "Bobby Brown"]);
  assert.deepEqual(await find("me"), ["me"]);
  assert.deepEqual(await find("ali"), ["me"]);
  assert.deepEqual(await find("", "bob@h"), ["me", "Bob Baker"], "between two people nobody else writes");
  asked.splice(0);
  assert.deepEqual(await find("", "garden@rooms.h"), ["me", "Carol Costa", "Dave Dunn", "Bob Baker"]);
  assert.deepEqual(await find("d", "garden@rooms.h"), ["me", "Dave Dunn"]);
  assert.deepEqual(asked.filter((address) => address.includes("/people")), ["/xmpp/rooms/garden/people?"]);
});

test("who is in a room is asked again after it could not be told", async (t) => {
  let works = false;
  t.mock.method(globalThis, "fetch", async () => (works ? Response.json({ people: [person("Carol Costa")] }) : Response.error()));
  const find = async () => (await findAuthors(config, [], "", "shed@rooms.h", new AbortController().signal)).map(({ name }) => name);
  assert.deepEqual(await find(), ["Alice Adler"]);
  works = true;
  assert.deepEqual(await find(), ["Alice Adler", "Carol Costa"]);
});
