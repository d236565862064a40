// What the last lines of a test run say. Run by `node --test scripts`.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const script = (/** @type {string} */ name) => fileURLToPath(new URL(name, import.meta.url));

/** Runs a function with a directory of its own. */
function within(run) {
  const dir = mkdtempSync(join(tmpdir(), "foyer-summary-"));
  try {
    return run(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** What summary.mjs says of files, line by line, and its exit status. */
function summary(files, ...options) {
  return within((dir) => {
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(dir, name), typeof content === "string" ? content : JSON.stringify(content));
    }
    const { stdout, stderr, status } = spawnSync(process.execPath, [script("summary.mjs"), dir, ...options], { encoding: "utf8" });
    assert.equal(stderr, "");
    return { lines: stdout.trim().split("\n"), status };
  });
}

/** What gotest.mjs makes of the events of `go test -json`. */
function gotest(events) {
  return within((dir) => {
    const file = join(dir, "report.json");
    const input = events.map((event) => JSON.stringify(event)).join("\n");
    const { status } = spawnSync(process.execPath, [script("gotest.mjs"), file], { input, encoding: "utf8" });
    return { ...JSON.parse(readFileSync(file, "utf8")), status };
  });
}

const passing = { passed: 7, failures: [], skipped: [] };

/** A Playwright report with one test in a describe block. */
const playwright = (test) => ({
  errors: [],
  suites: [{ title: "a.spec.ts", specs: [], suites: [{ title: "over bosh", specs: [{ title: "it works", file: "a.spec.ts", line: 3, tests: [{ annotations: [], results: [], ...test }] }] }] }],
});

test("all is well", () => {
  const { lines, status } = summary({ "stages.txt": "build 3 0\nunit 5 0\ne2e 60 0\n", "unit.json": passing, "e2e.json": playwright({ status: "expected" }) });
  assert.deepEqual(lines, ["Nothing was skipped.", "Took: build 3 s, unit 5 s, e2e 60 s.", "8 passed, 0 failed, 0 skipped"]);
  assert.equal(status, 0);
});

test("a run that is to be whole skips nothing", () => {
  const files = { "stages.txt": "servers 60 0\n", "servers.json": { ...passing, skipped: [{ name: "TestIt", why: "Prosody 13 cannot be had" }] } };
  assert.equal(summary(files).status, 0);
  const { lines, status } = summary(files, "--whole");
  assert.deepEqual(lines.at(-1), "FAILED: this run is to be whole, and something was skipped.");
  assert.equal(status, 1);
});

test("what failed is named at the end, with what is wrong", () => {
  const error = "=== RUN   TestIt\n2026/01/01 some log line\n    it_test.go:9: got 1, want 2\n--- FAIL: TestIt (0.01s)\n";
  const e2e = playwright({ status: "unexpected", results: [{ errors: [{ message: "\u001b[31mError: no such button\u001b[39m\n\n  Call log:\n" }] }] });
  const { lines, status } = summary({
    "stages.txt": "unit 5 1\ne2e 60 1\n",
    "unit.json": { ...passing, failures: [{ name: "foyer/app TestIt", error }] },
    "e2e.json": e2e,
  });
  assert.deepEqual(lines.slice(-6), [
    "7 passed, 2 failed, 0 skipped",
    "FAILED unit: foyer/app TestIt",
    "    it_test.go:9: got 1, want 2",
    "FAILED e2e: a.spec.ts:3 over bosh › it works",
    "    Error: no such button",
    "    Call log:",
  ]);
  assert.equal(status, 1);
});

test("of a browser test it is told where it failed, and what was there instead", () => {
  const message = "Error: expect(locator).toHaveText(expected) failed\n\nLocator: locator('.reaction')\nTimeout: 30000ms\n- Expected  - 1\n+ Received  + 1\n\n  Array [\n-   /1/,\n+   \"2\",\n";
  const e2e = playwright({ status: "unexpected", results: [{ errors: [{ message, location: { file: "/somewhere/e2e/support/messages.ts", line: 7, column: 1 } }] }] });
  const { lines } = summary({ "stages.txt": "e2e 60 1\n", "e2e.json": e2e });
  assert.deepEqual(lines.slice(-6, -4), [
    "    messages.ts:7: Error: expect(locator).toHaveText(expected) failed; -   /1/,; +   \"2\",",
    "    Locator: locator('.reaction')",
  ]);
});

test("of a browser test behind several servers it is told which", () => {
  const { lines } = summary({ "stages.txt": "servers 60 1\n", "servers.json": playwright({ projectName: "prosody 13", status: "unexpected", results: [{ errors: [{ message: "Error: away" }] }] }) });
  assert.deepEqual(lines.slice(-2), ["FAILED servers: a.spec.ts:3 [prosody 13] over bosh › it works", "    Error: away"]);
});

test("the end of the output has the counts and every name, however long the errors are", () => {
  const long = Array.from({ length: 100 }, (_, i) => `line ${i}`).join("\n");
  for (const many of [1, 2, 5, 13]) {
    const failures = Array.from({ length: many }, (_, i) => ({ name: `Test${i}`, error: long }));
    const { lines } = summary({ "stages.txt": "unit 5 1\n", "unit.json": { ...passing, failures } });
    const end = lines.slice(-30).join("\n");
    assert.match(end, new RegExp(`7 passed, ${many} failed`));
    for (const { name } of failures) assert.match(end, new RegExp(`FAILED unit: ${name}$`, "m"));
    assert.match(end, /line 0/);
  }
});

test("a stage that fails without a report, or with half of one, has failed", () => {
  const { lines, status } = summary({ "stages.txt": "build 3 2\nunit 5 0\ne2e 9 1\n", "unit.json": passing, "e2e.json": '{"suites": [' });
  assert.ok(lines.includes("7 passed, 2 failed, 0 skipped"));
  assert.ok(lines.includes("FAILED build: the stage itself"));
  assert.ok(lines.includes("FAILED e2e: its report (e2e.json)"));
  assert.equal(status, 1);
});

test("a browser test that did not run has failed", () => {
  const { lines: ends } = summary({ "stages.txt": "e2e 9 0\n", "e2e.json": playwright({ status: "skipped" }) });
  assert.equal(ends.at(-3), "0 passed, 1 failed, 0 skipped");
  const skip = { status: "skipped", annotations: [{ type: "skip", description: "there is no Firefox" }] };
  const { lines } = summary({ "stages.txt": "unit 5 0\ne2e 9 0\n", "unit.json": passing, "e2e.json": playwright(skip) });
  assert.equal(lines[0], "skipped: a.spec.ts:3 over bosh › it works: there is no Firefox");
  assert.equal(lines.at(-1), "7 passed, 0 failed, 1 skipped");
});

test("what passes the second time is named, and fails where there is more than a little of it", () => {
  const flaky = playwright({ status: "flaky", results: [{ errors: [{ message: "Error: too early" }] }, { errors: [] }] });
  const times = (n) => summary({ "stages.txt": "e2e 9 0\n", "e2e.json": { ...flaky, suites: Array(n).fill(flaky.suites[0]) } });
  const few = times(2);
  assert.equal(few.status, 0);
  assert.deepEqual(few.lines.slice(-5, -2), ["2 passed, 0 failed, 0 skipped", "PASSED THE SECOND TIME e2e: a.spec.ts:3 over bosh › it works", "    Error: too early"]);
  const many = times(3);
  assert.equal(many.status, 1);
  assert.equal(many.lines.filter((line) => line === "FAILED e2e: a.spec.ts:3 over bosh › it works (it passed the second time)").length, 3);
});

test("nothing that passed is a failure", () => {
  assert.equal(summary({ "stages.txt": "" }).status, 1);
});

const said = (Package, Test, Output) => ({ Action: "output", Package, Test, Output });

test("Go: what a panic ended is named", () => {
  const report = gotest([
    said("p", "TestWaits", "=== PAUSE TestWaits\n"),
    said("p", "TestIt", "=== RUN   TestIt\n"),
    said("p", "TestIt", "panic: boom\n"),
    { Action: "output", Package: "p", Output: "FAIL\tp\t0.1s\n" },
    { Action: "fail", Package: "p", Elapsed: 0.1 },
  ]);
  assert.deepEqual(report.failures.map((f) => f.name), ["p TestIt"]);
  assert.match(report.failures[0].error, /boom/);
  assert.equal(report.status, 1);
});

test("Go: a package that does not compile, and one that ends badly", () => {
  const report = gotest([
    { Action: "build-output", ImportPath: "p [p.test]", Output: "a.go:1: no such thing\n" },
    { Action: "fail", Package: "p", FailedBuild: "p [p.test]" },
    { Action: "pass", Package: "q", Test: "TestIt" },
    { Action: "output", Package: "q", Output: "goleak: found leaks\n" },
    { Action: "fail", Package: "q" },
  ]);
  assert.deepEqual(report.failures.map((f) => f.name), ["p", "q"]);
  assert.match(report.failures[0].error, /no such thing/);
  assert.match(report.failures[1].error, /leaks/);
  assert.equal(report.passed, 1);
});

test("Go: what was skipped, and why", () => {
  const { skipped } = gotest([said("p", "TestIt", "    it_test.go:4: needs Prosody\n"), { Action: "skip", Package: "p", Test: "TestIt" }]);
  assert.deepEqual(skipped, [{ name: "p TestIt", why: "needs Prosody" }]);
});
