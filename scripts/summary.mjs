// Adds up what the Go tests (go.json, fuzz.json, referee.json) and Playwright (e2e.json,
// interop.json) left in a directory, names what was skipped and why, and closes with the counts.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const dir = process.argv[2];
const sum = { passed: 0, failed: 0, skipped: /** @type {{name: string, why: string}[]} */ ([]) };

function read(name) {
  const file = join(dir, name);
  return existsSync(file) ? readFileSync(file, "utf8") : null;
}

function addGo(text) {
  const go = JSON.parse(text);
  sum.passed += go.passed;
  sum.failed += go.failed;
  sum.skipped.push(...go.skipped);
}

/** Playwright nests suites: files, then describe blocks. */
function* specs(suite) {
  for (const spec of suite.specs ?? []) yield spec;
  for (const inner of suite.suites ?? []) yield* specs(inner);
}

function addPlaywright(text) {
  const report = JSON.parse(text);
  sum.failed += report.errors?.length ?? 0;
  for (const spec of report.suites.flatMap((s) => [...specs(s)])) {
    for (const test of spec.tests) {
      if (test.status === "skipped") {
        const why = test.annotations.find((a) => a.type === "skip" || a.type === "fixme")?.description;
        sum.skipped.push({ name: `${spec.file} ${spec.title}`, why: why ?? "no reason given" });
      } else if (test.status === "unexpected") sum.failed++;
      else sum.passed++;
    }
  }
}

for (const text of ["go.json", "fuzz.json", "referee.json"].map(read)) if (text) addGo(text);
for (const text of ["e2e.json", "interop.json"].map(read)) if (text) addPlaywright(text);
for (const line of (read("skipped.txt") ?? "").split("\n").filter(Boolean)) {
  const [name, ...why] = line.split(": ");
  sum.skipped.push({ name, why: why.join(": ") });
}

console.log();
for (const { name, why } of sum.skipped) console.log(`skipped: ${name}: ${why}`);
if (sum.skipped.length === 0) console.log("Nothing was skipped.");
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped.length} skipped`);
if (sum.failed > 0 || sum.passed === 0) process.exitCode = 1;
