// Functions of the page's scripts are short enough to be read at once. A class that a function
// makes of another one counts by its methods.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const MOST_LINES = 60;

const scripts = fileURLToPath(new URL("../static/js", import.meta.url));

/** The functions of a script that are too long. */
export function tooLong(/** @type {string} */ file, /** @type {string} */ text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  const lineOf = (/** @type {number} */ at) => source.getLineAndCharacterOfPosition(at).line;
  const lines = (/** @type {ts.Node} */ node) => lineOf(node.end) - lineOf(node.getStart()) + 1;
  const inClasses = (/** @type {ts.Node} */ node) => {
    let sum = 0;
    ts.forEachChild(node, (child) => void (sum += ts.isClassLike(child) ? lines(child) : inClasses(child)));
    return sum;
  };
  /** @type {string[]} */
  const found = [];
  const look = (/** @type {ts.Node} */ node) => {
    if (ts.isFunctionLike(node) && lines(node) - inClasses(node) > MOST_LINES) found.push(`${file}:${lineOf(node.getStart()) + 1} has ${lines(node)} lines`);
    ts.forEachChild(node, look);
  };
  look(source);
  return found;
}

test("no function of the page's scripts is longer than 60 lines", async () => {
  const names = (await readdir(scripts, { recursive: true })).filter((name) => name.endsWith(".js"));
  assert.ok(names.length > 80);
  const found = await Promise.all(names.map(async (name) => tooLong(name, await readFile(join(scripts, name), "utf8"))));
  assert.deepEqual(found.flat(), []);
});

test("a long function is found, and a class in it counts by its methods", () => {
  const body = "  work();\n".repeat(MOST_LINES);
  assert.equal(tooLong("a.js", `function long() {\n${body}}\n`).length, 1);
  assert.equal(tooLong("a.js", `const long = () => {\n${body}};\n`).length, 1);
  const methods = "  work() {}\n".repeat(MOST_LINES);
  assert.equal(tooLong("a.js", `function mixin(Base) {\n  return class extends Base {\n${methods}};\n}\n`).length, 0);
  assert.equal(tooLong("a.js", `class A {\n  long() {\n${body}}\n}\n`).length, 1);
});
