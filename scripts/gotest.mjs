// Reads `go test -json` and shows what matters: a line per package, the whole
// output of tests that failed, and nothing of those that passed. Writes the
// counts, what failed, and what was skipped and why, to the file it is given.
// Fails when a test or a package does, and when no test ran at all.

import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const file = process.argv[2];
const total = {
  passed: 0,
  failures: /** @type {{name: string, error: string}[]} */ ([]),
  skipped: /** @type {{name: string, why: string}[]} */ ([]),
};

/** Output by test, or by package where the test is "". */
const output = new Map();
const key = (e) => `${e.Package ?? e.ImportPath}\t${e.Test ?? ""}`;

function keep(e) {
  output.set(key(e), (output.get(key(e)) ?? "") + e.Output);
}

/** Says that a test, or a package, failed. */
function fail(name, text) {
  total.failures.push({ name, error: text });
  process.stdout.write(text);
}

/** Ends of tests: counted, and shown where they failed. */
function endOfTest(e) {
  const text = output.get(key(e)) ?? "";
  output.delete(key(e));
  const name = `${e.Package} ${e.Test}`;
  if (e.Action === "pass") total.passed++;
  if (e.Action === "fail") fail(name, text);
  if (e.Action === "skip") {
    const why = text.match(/^\s+\S+_test\.go:\d+: (.*)$/m)?.[1] ?? "no reason given";
    total.skipped.push({ name, why });
  }
}

/** What tests said that their package ended without, as in a panic; the others of them had not begun. */
function unended(name) {
  const prefix = `${name}\t`;
  const ours = [...output].filter(([key, text]) => key.startsWith(prefix) && /^(?!=== )./m.test(text));
  return ours.map(([key, text]) => ({ name: key.replace("\t", " "), text }));
}

/** A package that fails without a test that does is broken, as one that does not compile. */
function endOfPackage(e) {
  const text = (broken.get(e.FailedBuild) ?? "") + (output.get(key(e)) ?? "");
  output.delete(key(e));
  if (e.Action === "skip") return; // no test files
  if (e.Action === "fail") for (const test of unended(e.Package)) fail(test.name, test.text);
  const cached = text.includes("(cached)") ? " (cached)" : "";
  console.log(`${e.Action === "fail" ? "FAIL" : "ok  "} ${e.Package} ${(e.Elapsed ?? 0).toFixed(1)}s${cached}`);
  if (e.Action !== "fail") return;
  if (total.failures.some((f) => f.name.startsWith(`${e.Package} `))) process.stdout.write(text);
  else fail(e.Package, text);
}

/** What the compiler said, by package. */
const broken = new Map();
function keepBuild(e) {
  broken.set(e.ImportPath, (broken.get(e.ImportPath) ?? "") + e.Output);
}

for await (const line of createInterface({ input: process.stdin })) {
  let e;
  try {
    e = JSON.parse(line);
  } catch {
    console.log(line);
    continue;
  }
  if (e.Action === "output") keep(e);
  else if (e.Action === "build-output") keepBuild(e);
  else if (!["pass", "fail", "skip"].includes(e.Action)) continue;
  else if (e.Test) endOfTest(e);
  else endOfPackage(e);
}

writeFileSync(file, JSON.stringify(total, null, 2));
if (total.failures.length > 0 || total.passed === 0) process.exitCode = 1;
