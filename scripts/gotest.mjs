// Reads `go test -json` and shows what matters: a line per package, the whole
// output of tests that failed, and nothing of those that passed. Writes the
// counts, and what was skipped and why, to the file it is given. Fails when a
// test or a package does, and when no test ran at all.

import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const file = process.argv[2];
const total = { passed: 0, failed: 0, skipped: /** @type {{name: string, why: string}[]} */ ([]) };
let broken = 0; // packages that failed outside of a test, such as one that does not compile

/** Output by test, or by package where the test is "". */
const output = new Map();
const key = (e) => `${e.Package ?? e.ImportPath}\t${e.Test ?? ""}`;

function keep(e) {
  output.set(key(e), (output.get(key(e)) ?? "") + e.Output);
}

/** Ends of tests: counted, and shown where they failed. */
function endOfTest(e) {
  const text = output.get(key(e)) ?? "";
  output.delete(key(e));
  if (e.Action === "pass") total.passed++;
  if (e.Action === "fail") {
    total.failed++;
    process.stdout.write(text);
  }
  if (e.Action === "skip") {
    const why = text.match(/^\s+\S+_test\.go:\d+: (.*)$/m)?.[1] ?? "no reason given";
    total.skipped.push({ name: `${e.Package} ${e.Test}`, why });
  }
}

let failedBefore = 0;
function endOfPackage(e) {
  const text = output.get(key(e)) ?? "";
  output.delete(key(e));
  if (e.Action === "skip") return; // no test files
  if (e.Action === "fail" && total.failed === failedBefore) broken++;
  failedBefore = total.failed;
  const cached = text.includes("(cached)") ? " (cached)" : "";
  console.log(`${e.Action === "fail" ? "FAIL" : "ok  "} ${e.Package} ${e.Elapsed ?? 0}s${cached}`);
  if (e.Action === "fail") process.stdout.write(text);
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
  else if (e.Action === "build-output") process.stdout.write(e.Output);
  else if (!["pass", "fail", "skip"].includes(e.Action)) continue;
  else if (e.Test) endOfTest(e);
  else endOfPackage(e);
}

total.failed += broken;
writeFileSync(file, JSON.stringify(total, null, 2));
if (total.failed > 0 || total.passed === 0) process.exitCode = 1;
