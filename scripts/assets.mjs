// Fills static/converse and static/lib from node_modules: what browsers
// fetch of Converse, Turbo and Pico, each file with a .br and a .gz beside it
// where that makes it smaller. Converse's script is made (converse.mjs), the rest is copied.
// Both directories are made again, except for their README.md. Does nothing when they are
// up to date; --force does it all the same. Then makes static/bundle (bundle.mjs).
//
// Converse finds its chunks, its worker and its wasm file by name, beside
// converse.min.js: file names stay as they are (one release, never mixed).

import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleAll } from "./bundle.mjs";
import { compressAll } from "./compress.mjs";
import { converseScript, iconsIn } from "./converse.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, "node_modules");
const stampFile = join(root, "static/lib/.version");

/** What is copied: from node_modules → under static/. A directory stands for all in it. */
const wanted = [
  ["converse.js/dist/converse.min.css", "converse/converse.min.css"],
  ["converse.js/dist/chunkjs", "converse/chunkjs"],
  ["converse.js/dist/emoji.json", "converse/emoji.json"],
  ["converse.js/dist/libomemo.esm.min.js", "converse/libomemo.esm.min.js"],
  ["converse.js/dist/curve25519_compiled.wasm", "converse/curve25519_compiled.wasm"],
  ["converse.js/dist/shared-connection-worker.js", "converse/shared-connection-worker.js"],
  ["converse.js/dist/images/custom_emojis", "converse/images/custom_emojis"],
  ["converse.js/dist/images/logo", "converse/images/logo"],
  ["converse.js/dist/sounds", "converse/sounds"],
  ["converse.js/dist/webfonts", "converse/webfonts"],
  ["converse.js/LICENSE", "converse/LICENSE.txt"],
  ["@hotwired/turbo/dist/turbo.es2017-esm.js", "lib/turbo.js"],
  ["@picocss/pico/css/pico.conditional.min.css", "lib/pico.conditional.min.css"],
];

/** Converse's script, and what it is made of. */
const script = { from: "converse.js/dist/converse.js", to: "converse/converse.min.js" };

/** Style sheets that go into a cascade layer of their own (static/css/tokens.css): each is wrapped as it is copied. */
const layers = { "converse/converse.min.css": "converse", "lib/pico.conditional.min.css": "pico" };

/**
 * Selectors that cost much, as others wrote them and as they are here. Of what stands before a "+", browsers keep
 * classes and attributes alone: with none, they compute the styles of all that stands after it again wherever an
 * element is put in or taken out, and of all in it. "summary+ul" did that to each message for each message that came.
 * @type {Record<string, [string, string][]>}
 */
const narrowed = {
  "converse/converse.min.css": [
    [".conversejs legend+*,converse-bg legend+*{clear:left}", ".conversejs legend{float:none}"], // who does not float need not be cleared
    [":not(.btn-check:first-child)+.btn", ".btn+.btn"],
    [":not(.btn-check)+.btn", ".btn+.btn"],
    [":not(.btn-check)+.conversejs .btn", ".conversejs .btn"],
  ],
  "lib/pico.conditional.min.css": [[">summary+ul", ">ul"]],
};

/** Packages whose versions decide whether the directories are up to date. */
const packages = ["converse.js", "@hotwired/turbo", "@picocss/pico", "esbuild", "terser"];

const copied = (/** @type {string} */ path) => !path.endsWith(".map") && !path.endsWith("README");

/** The icons of Converse that the site's own scripts name. */
async function ownIcons() {
  const scripts = (await files(join(root, "static/js"))).filter((name) => name.endsWith(".js"));
  const texts = await Promise.all(scripts.map((name) => readFile(name, "utf8")));
  return [...new Set(texts.flatMap(iconsIn))].sort();
}

/** The versions that are installed, what is taken of them, and how, as one string. */
async function stamp(/** @type {string[]} */ icons) {
  const lines = [];
  for (const name of packages) {
    let raw;
    try {
      raw = await readFile(join(modules, name, "package.json"), "utf8");
    } catch {
      throw new Error(`${name} is not installed; run \`npm ci\` first (\`make assets\` does both)`);
    }
    lines.push(`${name} ${JSON.parse(raw).version}`);
  }
  lines.push(wanted.flat().join(" "), JSON.stringify(layers), JSON.stringify(narrowed), icons.join(" "));
  lines.push(createHash("sha256").update(await readFile(join(root, "scripts/converse.mjs"))).digest("hex"));
  return lines.join("\n") + "\n";
}

async function upToDate(/** @type {string} */ now) {
  const before = await readFile(stampFile, "utf8").catch(() => "");
  if (before !== now) return false;
  const all = await Promise.all([...wanted.map(([, to]) => to), script.to].map((to) => stat(join(root, "static", to)).catch(() => null)));
  return all.every(Boolean);
}

/** Removes what an earlier release left. */
async function clean(/** @type {string} */ dir) {
  await mkdir(dir, { recursive: true });
  for (const name of await readdir(dir)) {
    if (name !== "README.md") await rm(join(dir, name), { recursive: true });
  }
}

async function files(/** @type {string} */ dir) {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries.filter((e) => e.isFile()).map((e) => join(e.parentPath ?? e.path, e.name));
}

/** Wraps a style sheet. What it says of its encoding has to come first; the site says it in the header. */
async function wrap(/** @type {string} */ file, /** @type {string} */ layer) {
  const css = (await readFile(file, "utf8")).replace(/^\uFEFF?@charset "UTF-8";/i, "");
  if (/@import/.test(css)) throw new Error(`${file} imports another style sheet, which no layer can hold`);
  await writeFile(file, `@layer ${layer}{${css}}\n`);
}

/** Writes costly selectors of a style sheet otherwise. */
async function narrow(/** @type {string} */ file, /** @type {[string, string][]} */ selectors) {
  let css = await readFile(file, "utf8");
  for (const [theirs, ours] of selectors) {
    if (!css.includes(theirs)) throw new Error(`${file} has no ${theirs} any more: take it out of scripts/assets.mjs`);
    css = css.replaceAll(theirs, ours);
  }
  await writeFile(file, css);
}

/** Says whether there was anything to do. */
async function copyAll(/** @type {boolean} */ force) {
  const icons = await ownIcons();
  const now = await stamp(icons);
  if (!force && (await upToDate(now))) return false;
  const dirs = ["converse", "lib"].map((d) => join(root, "static", d));
  console.log("Copying and compressing what browsers fetch (some seconds, once per release of Converse) …");
  for (const dir of dirs) await clean(dir);
  for (const [from, to] of wanted) {
    await cp(join(modules, from), join(root, "static", to), { recursive: true, filter: copied });
  }
  await writeFile(join(root, "static", script.to), await converseScript(join(modules, script.from), icons));
  for (const [file, selectors] of Object.entries(narrowed)) await narrow(join(root, "static", file), selectors);
  for (const [file, layer] of Object.entries(layers)) await wrap(join(root, "static", file), layer);
  const list = (await Promise.all(dirs.map(files))).flat();
  await compressAll(list.filter((f) => !f.endsWith("README.md")));
  await writeFile(stampFile, now);
  console.log(`${list.length} files are in ${dirs.map((d) => relative(root, d)).join(" and ")}.`);
  return true;
}

async function main() {
  const force = process.argv.includes("--force");
  await bundleAll((await copyAll(force)) || force);
}

main().catch((err) => {
  console.error(`assets: ${err.message}`);
  process.exitCode = 1;
});
