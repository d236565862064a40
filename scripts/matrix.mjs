// Prints what Playwright's report of e2e/servers or e2e/proxies says as a table: a row for
// each test, a column for each server or proxy. matrix.mjs REPORT HEADING

import { existsSync, readFileSync } from "node:fs";

const [file, heading] = process.argv.slice(2);
if (!existsSync(file)) process.exit(0);

/** Every test with the titles above it. */
function* specs(suite, titles = []) {
  for (const spec of suite.specs ?? []) yield { titles: [...titles, spec.title], tests: spec.tests };
  for (const inner of suite.suites ?? []) yield* specs(inner, [...titles, inner.title]);
}

const marks = { expected: "yes", flaky: "the second time", skipped: "skipped" };
/** @type {Map<string, Map<string, string>>} */
const rows = new Map();
const servers = new Set();
for (const suite of JSON.parse(readFileSync(file, "utf8")).suites) {
  for (const { titles, tests } of specs(suite)) {
    const row = titles.filter((title) => !title.endsWith(".spec.ts")).join(": ");
    const cells = rows.get(row) ?? new Map();
    for (const { projectName, status } of tests) {
      servers.add(projectName);
      cells.set(projectName, marks[status] ?? "NO");
    }
    rows.set(row, cells);
  }
}
const columns = [...servers];
const line = (cells) => console.log(`| ${cells.join(" | ")} |`);
line([heading, ...columns]);
line(["---", ...columns.map(() => "---")]);
for (const [row, cells] of rows) line([row, ...columns.map((server) => cells.get(server) ?? "")]);
