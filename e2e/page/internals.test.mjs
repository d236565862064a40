// The file of internals names each that the scripts use.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";

const chat = new URL("../../static/js/chat/", import.meta.url);

const scripts = async () => {
  const names = (await readdir(chat, { recursive: true })).filter((name) => name.endsWith(".js") && !name.endsWith("internals.js"));
  return Promise.all(names.map(async (name) => ({ name, text: await readFile(new URL(name, chat), "utf8") })));
};

test("what scripts take from Converse's state and from its connection stands among the internals", async () => {
  const internals = await readFile(new URL("internals.js", chat), "utf8");
  const named = new Set(internals.match(/\w+/g));
  const used = [];
  for (const { name, text } of await scripts()) {
    for (const [path, word] of text.matchAll(/(?:_converse\.state|\bconnection)\??\.(\w+)/g)) used.push({ name, path, word });
    for (const [, words] of text.matchAll(/const \{([^}]*)\} = (?:this\.)?_converse\.state;/g)) for (const word of words.match(/\w+/g)) used.push({ name, path: `state.${word}`, word });
  }
  assert.ok(used.length > 50, "nothing is found any more");
  assert.deepEqual(used.filter(({ word }) => !named.has(word)), []);
});
