// The patches of Converse, Strophe and the browser's own in static/js: each has a marker,
// "// Patch: NAME", before the statement, function or method that makes it, and a row in
// docs/CONVERSE.md, which names the test that fails without it. patches.test.mjs compares these.
//
//   node scripts/patches.mjs [NAME…]
//
// is the proof: of each patch it makes the members' script without what follows the marker,
// and runs the test that the row names, which has to fail. Nothing of this is in the program,
// and no file is changed: browsers are given that script by e2e/support/test.ts. It needs
// bin/foyer-e2e, built of the same sources (`make e2e` leaves it there).

import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import ts from "typescript";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const MARKER = /\/\/ Patch: ([\w-]+)$/gm;

/** Every file under a directory whose name ends so, by its path from the root. */
async function files(/** @type {string} */ directory, /** @type {RegExp} */ ending) {
  const entries = await readdir(join(root, directory), { recursive: true, withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile() && ending.test(entry.name)).map((entry) => relative(root, join(entry.parentPath, entry.name)));
  return names.filter((name) => !name.includes("node_modules")).sort();
}

/** @typedef {{name: string, file: string, text: string, end: number}} Marker where a marker ends in its file */

/** The markers in the scripts. @returns {Promise<Marker[]>} */
export async function markers() {
  const found = [];
  for (const file of await files("static/js", /\.js$/)) {
    const text = await readFile(join(root, file), "utf8");
    for (const match of text.matchAll(MARKER)) found.push({ name: match[1], file, text, end: match.index + match[0].length });
  }
  return found;
}

/** The rows of the table. */
export async function rows() {
  const text = await readFile(join(root, "docs/CONVERSE.md"), "utf8");
  const lines = [...text.matchAll(/^\| `([\w-]+)` \|.*\| `([\w./]+)` \| `([\w./]+)`: ([^|]+) \|$/gm)];
  return lines.map(([, name, file, test, title]) => ({ name, file: `static/js/${file}`, test: `e2e/${test}`, title: title.trim() }));
}

/** Whether a file has a test of this title. */
export async function hasTest(/** @type {string} */ file, /** @type {string} */ title) {
  const text = await readFile(join(root, file), "utf8").catch(() => "");
  return ['"', "'", "`"].some((quote) => text.includes(`test(${quote}${title}${quote},`));
}

/**
 * A script without what follows a marker: of a function its body, else the whole statement.
 * @param {Marker} marker
 */
export function without({ name, file, text, end }) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  /** @type {ts.Node | undefined} */
  let found;
  const look = (/** @type {ts.Node} */ node) => {
    if (node.getStart() > end && node.getFullStart() <= end && ts.isStatement(node)) found ??= node;
    else ts.forEachChild(node, look);
  };
  ts.forEachChild(source, look);
  if (!found) throw new Error(`nothing that can be left out follows the marker of ${name} in ${file}`);
  const [from, to] = ts.isFunctionDeclaration(found) ? [found.body.getStart(), found.body.end] : [found.getStart(), found.end];
  return `${text.slice(0, from)}{}${text.slice(to)}`;
}

/** Runs a command, and says how it ended and what it said. */
const run = (/** @type {string[]} */ [command, ...args], /** @type {import("node:child_process").SpawnOptions} */ options) =>
  new Promise((resolve) => {
    const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data) => (said += data));
    child.on("close", (code) => resolve({ failed: code !== 0, said }));
  });

/** The pattern of a title, in which `${…}` stands for anything. */
const pattern = (/** @type {string} */ title) =>
  `${title.split(/\$\{[^}]*\}/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*")}$`;

/** The members' script, with another text for one file; written to a file of its own. */
async function memberScript(/** @type {string} */ directory, /** @type {string} */ file, /** @type {string} */ text) {
  const outfile = join(directory, "member.js");
  const changed = { name: "changed", setup: (/** @type {any} */ b) => b.onLoad({ filter: /\.js$/ }, ({ path }) => (path === join(root, file) ? { contents: text } : undefined)) };
  await build({ absWorkingDir: root, entryPoints: ["static/js/member.js"], outfile, bundle: true, format: "esm", target: "esnext", plugins: [changed], logLevel: "error" });
  return outfile;
}

/** Runs a test of a browser with that script. */
async function inBrowser(/** @type {string} */ directory, /** @type {Marker} */ marker, /** @type {string} */ text, { test, title }) {
  const script = await memberScript(directory, marker.file, text);
  const args = ["playwright", "test", "-c", "e2e", `/${test}`, "-g", pattern(title), "--max-failures=1", "--retries=0", "--workers=1", "--reporter=line", "--trace=off", `--output=${directory}/results`];
  return run(["npx", ...args], { cwd: root, env: { ...process.env, E2E_MEMBER_SCRIPT: script } });
}

/** Runs a test that needs no browser in a copy of the tree. */
async function inNode(/** @type {string} */ directory, /** @type {Marker} */ marker, /** @type {string} */ text, { test, title }) {
  for (const part of ["static/js", "e2e/page", "package.json"]) await cp(join(root, part), join(directory, part), { recursive: true });
  await writeFile(join(directory, marker.file), text);
  return run([process.execPath, "--test", `--test-name-pattern=^${pattern(title)}`, test], { cwd: directory });
}

/** The lines of a report that say what failed. */
const why = (/** @type {string} */ said) =>
  said.split("\n").map((line) => line.replaceAll(/\u001B\[[\d;]*[A-Za-z]/g, "").trim()).filter((line) => /error|expect\(|not ok|fail/i.test(line)).slice(0, 3).join(" / ").slice(0, 300);

/** Says whether the test of a patch fails without it. */
async function prove(/** @type {Marker} */ marker, row) {
  const directory = await mkdtemp(join(tmpdir(), "foyer-patch-"));
  try {
    await mkdir(join(directory, "e2e"), { recursive: true });
    const text = without(marker);
    const { failed, said } = await (row.test.endsWith(".mjs") ? inNode : inBrowser)(directory, marker, text, row);
    const none = /No tests found|^# tests 0$|browserType\.launch|at Person\.openSite/m.test(said); // nothing was tried; signing in needs no patch
    console.log(none ? `${marker.name}: its test did not run: ${why(said)}` : failed ? `${marker.name}: proved: ${why(said)}` : `${marker.name}: PASSES WITHOUT IT: ${row.test}: ${row.title}`);
    return failed && !none;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function main(/** @type {string[]} */ names) {
  const table = await rows();
  const all = await markers();
  const wanted = names.length ? names : all.map(({ name }) => name);
  for (const name of wanted) {
    const marker = all.find((each) => each.name === name);
    const row = table.find((each) => each.name === name);
    if (!marker || !row) throw new Error(`${name} has ${marker ? "no row in docs/CONVERSE.md" : "no marker in static/js"}`);
    if (!(await prove(marker, row))) process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
