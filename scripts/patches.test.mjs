// Each patch of Converse has one marker and one row in docs/CONVERSE.md, with a test that is there.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { hasTest, inNode, markers, rows, verdict, without } from "./patches.mjs";

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

/** A tree with one script, that says yes, and a test of it. */
async function tree(t, /** @type {string} */ text) {
  const directory = await mkdtemp(join(tmpdir(), "foyer-tree-"));
  t.after(() => rm(directory, { recursive: true }));
  const files = {
    "package.json": '{"type": "module"}',
    "e2e/support/any.mjs": "export const yes = true;\n",
    "scripts/shared.mjs": "export const yes = true;\n",
    "static/js/says.js": "export let says = false;\n// Patch: yes\nsays = true;\n",
    "e2e/page/says.test.mjs": `import assert from "node:assert/strict";\nimport { test } from "node:test";\nimport { says } from "../../static/js/says.js";\n${text}\n`,
  };
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), content);
  }
  return directory;
}

/** How a test ends without a patch, after it ended so with it. */
async function ends(t, /** @type {string} */ text, left = "export const says = false;\n") {
  const row = { test: "e2e/page/says.test.mjs", title: "it says yes" };
  const directory = await tree(t, text);
  const whole = await inNode(row, undefined, directory);
  const changed = await inNode(row, { file: "static/js/says.js", text: left }, directory);
  return [whole.ended, changed.ended, verdict(whole, changed).proved];
}

const fails = 'test("it says yes", () => assert.ok(says));';

test("what a test proves of a patch is that it fails without it, and passes with it", async (t) => {
  assert.deepEqual(await ends(t, fails), ["passed", "failed", true]);
  assert.deepEqual(await ends(t, `import { yes } from "../../scripts/shared.mjs";\nimport "../support/any.mjs";\nimport ts from "typescript";\n${fails}`), ["did not run", "failed", false], "the tree has no packages, a copy of it has");
  assert.deepEqual(await ends(t, 'test("it says yes", () => {});'), ["passed", "passed", false]);
  assert.deepEqual(await ends(t, 'test("it says yes", () => assert.ok(!says || false));'), ["failed", "passed", false]);
});

test("a test that did not run proves nothing", async (t) => {
  assert.deepEqual(await ends(t, `import "./nowhere.mjs";\n${fails}`), ["did not run", "did not run", false]);
  assert.deepEqual(await ends(t, `${fails}\n)`), ["did not run", "did not run", false]);
  assert.deepEqual(await ends(t, 'test("it says no", () => assert.ok(says));'), ["did not run", "did not run", false]);
  assert.deepEqual(await ends(t, 'test.skip("it says yes", () => assert.ok(says));'), ["did not run", "did not run", false]);
  assert.deepEqual(await ends(t, fails, "export const says = of.nobody;\n"), ["passed", "did not run", false]);
  assert.deepEqual(await ends(t, fails, "export const says = ;\n"), ["passed", "did not run", false]);
  assert.deepEqual(await ends(t, fails, "export const other = true;\n"), ["passed", "did not run", false]);
});
