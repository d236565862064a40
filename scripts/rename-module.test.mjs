// A fork's module path goes into imports, and into nothing that keys or names are made of.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

const run = promisify(execFile);

const before = {
  "go.mod": "module foyer\n\ngo 1.26\n",
  "internal/arch/arch_test.go": 'package arch\n\nconst module = "foyer"\n',
  "app/auth/keys.go": `package auth

import (
\t"fmt"

\t"foyer/internal/stanza" // of "foyer/x"
\tkept "foyer/models"

\t"github.com/jackc/pgx/v5"
)

import _ "foyer/views"

const lock = "foyer-chat-server"

var purposes = []string{
\t"foyer kept password",
\t"foyer/models",
\t"foyer",
}
`,
};

test("imports have the new path, and nothing else has", async (t) => {
  const root = await mkdtemp(join(tmpdir(), "foyer-fork-"));
  t.after(() => rm(root, { recursive: true }));
  for (const [file, text] of Object.entries(before)) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), text);
  }
  const rename = (/** @type {string} */ path) => run("bash", ["scripts/rename-module.sh", path, root]);
  const read = (/** @type {string} */ file) => readFile(join(root, file), "utf8");
  const keys = (/** @type {string} */ path) =>
    before["app/auth/keys.go"].replace('"foyer/internal/stanza"', `"${path}/internal/stanza"`).replace('kept "foyer/models"', `kept "${path}/models"`).replace('_ "foyer/views"', `_ "${path}/views"`);
  for (const path of ["git.example.org/team/chat", "example.org/another"]) {
    await rename(path);
    assert.equal(await read("go.mod"), `module ${path}\n\ngo 1.26\n`);
    assert.equal(await read("internal/arch/arch_test.go"), `package arch\n\nconst module = "${path}"\n`);
    assert.equal(await read("app/auth/keys.go"), keys(path));
  }
  // What was merged from upstream is renamed as well.
  await writeFile(join(root, "app/merged.go"), 'package app\n\nimport "foyer/models"\n');
  await rename("example.org/another");
  assert.equal(await read("app/merged.go"), 'package app\n\nimport "example.org/another/models"\n');
  await assert.rejects(rename('a"b'), /usage/);
});
