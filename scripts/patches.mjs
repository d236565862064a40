// The patches of Converse, Strophe and the browser's own in static/js: each has a marker,
// "// Patch: NAME", before the statement, function or method that makes it, and a row in
// docs/CONVERSE.md, which names the test that fails without it. patches.test.mjs compares these.
//
//   node scripts/patches.mjs [--page] [NAME…]
//
// is the proof: of each patch it makes the members' script without what follows the marker,
// and runs the test that the row names, which has to fail, and to pass with the patch: one that
// does not get as far as that proves nothing. Nothing of this is in the program, and no file is
// changed: browsers are given that script by e2e/support/test.ts. They need bin/foyer-e2e, built
// of the same sources (`make e2e` leaves it there); --page picks the patches whose test needs
// no browser, as `make lint` does.

import { spawn } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
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

/** @typedef {{test: string, title: string}} Test by its file and its title */
/** @typedef {{file: string, text: string}} Change another text for one file */
/** @typedef {{ended: "passed" | "failed" | "did not run", said: string}} End of a test */

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

/** What a script says that did not get as far as what is tested: it cannot be read, or what is left of it needs what was taken out. */
const BROKEN = /ERR_MODULE_NOT_FOUND|SyntaxError|ReferenceError|browserType\.launch|at Person\.openSite/; // signing in needs no patch

/** A directory for something that is done in it. */
async function inDirectory(/** @type {(directory: string) => Promise<any>} */ what) {
  const directory = await mkdtemp(join(tmpdir(), "foyer-patch-"));
  try {
    return await what(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The members' script, with another text for one file; written to a file of its own. */
async function memberScript(/** @type {string} */ directory, /** @type {Change} */ { file, text }) {
  const outfile = join(directory, "member.js");
  const changed = { name: "changed", setup: (/** @type {any} */ b) => b.onLoad({ filter: /\.js$/ }, ({ path }) => (path === join(root, file) ? { contents: text } : undefined)) };
  await build({ absWorkingDir: root, entryPoints: ["static/js/member.js"], outfile, bundle: true, format: "esm", target: "esnext", plugins: [changed], logLevel: "error" });
  return outfile;
}

/** Runs a test of a browser, with a change or without. @returns {Promise<End>} */
function inBrowser(/** @type {Test} */ { test, title }, /** @type {Change | undefined} */ change) {
  return inDirectory(async (directory) => {
    const script = change && { E2E_MEMBER_SCRIPT: await memberScript(directory, change) };
    const args = ["playwright", "test", "-c", "e2e", `/${test}`, "-g", pattern(title), "--max-failures=1", "--retries=0", "--workers=1", "--reporter=line", "--trace=off", `--output=${directory}/results`];
    const { failed, said } = await run(["npx", ...args], { cwd: root, env: { ...process.env, ...script } });
    if (BROKEN.test(said) || !/^ +\d+ (?:passed|failed)/m.test(said)) return { ended: "did not run", said };
    return { ended: failed ? "failed" : "passed", said };
  });
}

/**
 * Runs a test that needs no browser: with a change in a copy of the tree.
 * @returns {Promise<End>}
 */
export function inNode(/** @type {Test} */ { test, title }, /** @type {Change | undefined} */ change, tree = root) {
  const { NODE_TEST_CONTEXT, ...env } = process.env; // else Node takes it for a part of the test that calls this, and says nothing here
  const ends = async (/** @type {string} */ cwd) => {
    const { said } = await run([process.execPath, "--test-reporter=tap", `--test-name-pattern=^${pattern(title)}`, test], { cwd, env });
    const [line, not] = new RegExp(`^ *(not )?ok \\d+ - ${pattern(title)}`, "m").exec(said) ?? [];
    if (BROKEN.test(said) || !line) return { ended: "did not run", said };
    return { ended: not ? "failed" : "passed", said };
  };
  if (!change) return ends(tree);
  return inDirectory(async (directory) => {
    for (const part of ["static/js", "e2e/page", "e2e/support", "scripts", "package.json"]) await cp(join(tree, part), join(directory, part), { recursive: true });
    await symlink(join(root, "node_modules"), join(directory, "node_modules"));
    await writeFile(join(directory, change.file), change.text);
    return ends(directory);
  });
}

/** The lines of a report that say what failed. */
const why = (/** @type {string} */ said) =>
  said.split("\n").map((line) => line.replaceAll(/\u001B\[[\d;]*[A-Za-z]/g, "").trim()).filter((line) => /^(?:error: |\w*Error\b|> \d+ \||not ok)/i.test(line)).slice(0, 3).join(" / ").slice(0, 300);

/** What two runs of a test say of a patch: one with everything in its place, and one without the patch. */
export function verdict(/** @type {End} */ whole, /** @type {End} */ without) {
  if (whole.ended !== "passed") return { proved: false, words: `its test ${whole.ended} even with it: ${why(whole.said)}` };
  if (without.ended === "did not run") return { proved: false, words: `its test did not run without it: ${why(without.said)}` };
  if (without.ended === "passed") return { proved: false, words: "PASSES WITHOUT IT" };
  return { proved: true, words: `proved: ${why(without.said)}` };
}

/** How tests end with everything in its place, which several rows may name. @type {Map<string, Promise<End>>} */
const ends = new Map();

/** Says whether the test of a patch fails without it. */
async function prove(/** @type {Marker} */ marker, row) {
  const runs = row.test.endsWith(".mjs") ? inNode : inBrowser;
  const key = `${row.test}: ${row.title}`;
  if (!ends.has(key)) ends.set(key, runs(row, undefined));
  const whole = await ends.get(key);
  const { proved, words } = verdict(whole, whole.ended === "passed" ? await runs(row, { file: marker.file, text: without(marker) }) : whole);
  console.log(`${marker.name}: ${words}${proved ? "" : ` (${key})`}`);
  return proved;
}

/** The patches that are meant, each with its row. */
async function meant(/** @type {string[]} */ args) {
  const table = await rows();
  const all = await markers();
  const names = args.filter((arg) => arg !== "--page");
  const found = (names.length ? names : all.map(({ name }) => name)).map((name) => {
    const marker = all.find((each) => each.name === name);
    const row = table.find((each) => each.name === name);
    if (!marker || !row) throw new Error(`${name} has ${marker ? "no row in docs/CONVERSE.md" : "no marker in static/js"}`);
    return { marker, row };
  });
  return args.includes("--page") ? found.filter(({ row }) => row.test.endsWith(".mjs")) : found;
}

async function main(/** @type {string[]} */ args) {
  const patches = await meant(args);
  const left = [...patches];
  let proved = 0;
  const work = async () => {
    for (let next; (next = left.shift()); ) if (await prove(next.marker, next.row)) proved++;
  };
  // A browser has the machine for itself: its tests wait for what others of them would hold up.
  const several = patches.every(({ row }) => row.test.endsWith(".mjs"));
  await Promise.all(Array.from({ length: several ? availableParallelism() : 1 }, work));
  console.log(`${proved} of ${patches.length} proved`);
  if (proved < patches.length) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
