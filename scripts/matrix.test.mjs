// What the tables of e2e/servers and e2e/proxies say. Run by `node --test scripts`.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("matrix.mjs", import.meta.url));

/** The lines that matrix.mjs prints of a report; without one, those for a file that is not there. */
function table(report) {
  const dir = mkdtempSync(join(tmpdir(), "foyer-matrix-"));
  const file = join(dir, "servers.json");
  try {
    if (report) writeFileSync(file, JSON.stringify(report));
    const { stdout, stderr, status } = spawnSync(process.execPath, [script, file, "behind the site"], { encoding: "utf8" });
    assert.deepEqual([stderr, status], ["", 0]);
    return stdout.trim().split("\n");
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** A test, with what became of it behind each server. */
const spec = (title, outcomes) => ({ title, tests: Object.entries(outcomes).map(([projectName, status]) => ({ projectName, status })) });

test("a row for each test, a column for each server, and what became of it", () => {
  const report = {
    suites: [
      {
        title: "journey.spec.ts",
        specs: [spec("people come", { "prosody 0.12": "expected", "ejabberd 23.01": "flaky" })],
        suites: [{ title: "session, bosh", specs: [spec("they go", { "prosody 0.12": "unexpected", "ejabberd 23.01": "skipped" })] }],
      },
      { title: "rooms.spec.ts", specs: [spec("a room", { "ejabberd 23.01": "expected" })] },
    ],
  };
  assert.deepEqual(table(report), [
    "| behind the site | prosody 0.12 | ejabberd 23.01 |",
    "| --- | --- | --- |",
    "| people come | yes | the second time |",
    "| session, bosh: they go | NO | skipped |",
    "| a room |  | yes |",
  ]);
});

test("without a report there is nothing to say", () => assert.deepEqual(table(undefined), [""]));
