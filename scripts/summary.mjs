// Adds up what the stages of test.sh left in a directory: stages.txt has a line for
// each, its name, its seconds and its exit status; NAME.json is its report, by
// gotest.mjs or Playwright. Names what was skipped and why, says the counts, and
// closes with what failed, so that the last lines of the output tell it. With --whole
// nothing may be skipped.

import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

const [dir, whole] = process.argv.slice(2);
const sum = {
  passed: 0,
  failures: /** @type {{name: string, error: string}[]} */ ([]),
  skipped: /** @type {{name: string, why: string}[]} */ ([]),
  second: /** @type {{name: string, error: string}[]} */ ([]), // passed the second time
};

const secondTimes = 2; // tests of a run that may pass the second time (docs/decisions/0018)

function read(name) {
  const file = join(dir, name);
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

const colours = /\u001b\[[0-9;]*m/g;
const lines = (text) => text.split("\n").filter(Boolean);

function addGo(go) {
  sum.passed += go.passed;
  sum.failures.push(...go.failures);
  sum.skipped.push(...go.skipped);
}

/** Playwright nests suites: files, then describe blocks. */
function* specs(suite, titles = []) {
  for (const spec of suite.specs ?? []) yield { ...spec, title: [...titles, spec.title].join(" › ") };
  for (const inner of suite.suites ?? []) yield* specs(inner, [...titles, inner.title]);
}

function addPlaywright(report) {
  for (const error of report.errors ?? []) sum.failures.push({ name: "Playwright", error: error.message ?? error.value ?? "" });
  for (const spec of report.suites.flatMap((s) => [...specs(s)])) {
    for (const test of spec.tests) addPlaywrightTest(`${spec.file}:${spec.line} ${test.projectName ? `[${test.projectName}] ` : ""}${spec.title}`, test);
  }
}

/** What an error of Playwright says: in its first line where, what, and what was there instead. */
function told({ message, value, location }) {
  const [first = "", ...rest] = lines((message ?? value ?? "").replace(colours, ""));
  const differs = (line) => /^\s*([-+] |Expected|Received)/.test(line) && !/^\s*([-] Expected {2}|[+] Received {2})/.test(line);
  const where = location ? `${basename(location.file)}:${location.line}: ` : "";
  const difference = rest.filter(differs).map((line) => line.trim());
  return [where + [first, ...difference].join("; "), ...rest.filter((line) => !differs(line))].join("\n");
}

/** A test without a result that nobody skipped did not run. */
function addPlaywrightTest(name, test) {
  const skip = test.annotations.find((a) => a.type === "skip" || a.type === "fixme");
  if (test.status === "expected") sum.passed++;
  else if (test.status === "skipped" && skip) sum.skipped.push({ name, why: skip.description ?? "no reason given" });
  else {
    const errors = test.results.flatMap((result) => result.errors).map(told);
    const kind = test.status === "flaky" ? sum.second : sum.failures;
    kind.push({ name, error: errors.join("\n") || `it did not run to its end (${test.status})` });
  }
}

/** A stage that fails without a test that does has failed itself. */
function addStage(name, status) {
  const before = sum.failures.length;
  const second = sum.second.length;
  const text = read(`${name}.json`);
  try {
    const report = text && JSON.parse(text);
    if (report?.suites) addPlaywright(report);
    else if (report) addGo(report);
  } catch (error) {
    sum.failures.push({ name: `its report (${name}.json)`, error: String(error) });
  }
  if (status !== 0 && sum.failures.length === before) {
    sum.failures.push({ name: "the stage itself", error: `it ended with status ${status}; its own output, above, tells why` });
  }
  for (const failure of [...sum.failures.slice(before), ...sum.second.slice(second)]) failure.name = `${name}: ${failure.name}`;
}

const tail = 26; // lines that the list of what failed may have, so that it is seen whole
const longest = 15; // lines of one error

/** The lines of an error that tell most: without colours, and from where a Go test says what is wrong. */
function essence(error) {
  const said = lines(error.replace(colours, "")).filter((line) => line.trim() && !/^\s*(=== |--- FAIL)/.test(line));
  const start = said.findIndex((line) => /_test\.go:\d+: |^panic: |^fatal error: |^WARNING: DATA RACE/.test(line));
  return said.slice(Math.max(start, 0));
}

/** Names tests, with what is wrong, in as many lines as there is room for. */
function say(word, failures) {
  const each = Math.min(longest, Math.max(1, Math.floor(tail / (sum.failures.length + sum.second.length)) - 1));
  for (const { name, error } of failures) {
    console.log(`${word} ${name}`);
    for (const line of essence(error).slice(0, each)) console.log(`    ${line.trim().slice(0, 300)}`);
  }
}

const stages = lines(read("stages.txt")).map((line) => line.split(" "));
for (const [name, , status] of stages) addStage(name, Number(status));
for (const line of lines(read("skipped.txt"))) {
  const [name, ...why] = line.split(": ");
  sum.skipped.push({ name, why: why.join(": ") });
}

console.log();
for (const { name, why } of sum.skipped) console.log(`skipped: ${name}: ${why}`);
if (sum.skipped.length === 0) console.log("Nothing was skipped.");
if (sum.second.length > secondTimes) for (const { name, error } of sum.second.splice(0)) sum.failures.push({ name: `${name} (it passed the second time)`, error });
else sum.passed += sum.second.length;
console.log(`Took: ${stages.map(([name, seconds]) => `${name} ${seconds} s`).join(", ")}.`);
console.log(`${sum.passed} passed, ${sum.failures.length} failed, ${sum.skipped.length} skipped`);
say("PASSED THE SECOND TIME", sum.second);
say("FAILED", sum.failures);
if (whole && sum.skipped.length > 0) console.log("FAILED: this run is to be whole, and something was skipped.");
if (sum.failures.length > 0 || sum.passed === 0 || (whole && sum.skipped.length > 0)) process.exitCode = 1;
