// Each patch of Converse has one marker and one row in docs/CONVERSE.md, with a test that is there.

import assert from "node:assert/strict";
import { test } from "node:test";
import { hasTest, markers, rows, without } from "./patches.mjs";

const twice = (/** @type {string[]} */ names) => names.filter((name, i) => names.indexOf(name) !== i);

test("each marker has a row in docs/CONVERSE.md, and each row a marker in the file it names", async () => {
  const [found, table] = [await markers(), await rows()];
  assert.ok(found.length > 50, `${found.length} markers: something is wrong with this test`);
  assert.deepEqual(twice(found.map(({ name }) => name)), []);
  assert.deepEqual(table.map(({ name, file }) => `${name} in ${file}`).sort(), found.map(({ name, file }) => `${name} in ${file}`).sort());
});

test("each row names a test that is there", async () => {
  for (const { name, test: file, title } of await rows()) assert.ok(await hasTest(file, title), `${name}: ${file} has no test ${title}`);
});

test("each patch can be left out", async () => {
  for (const marker of await markers()) assert.notEqual(without(marker), marker.text, marker.name);
});
