// Fills static/bundle with what pages load: one script and one style sheet for
// visitors, for members, and for the chat, made of the readable files in static/js and
// static/css, of Turbo, Pico and Converse. static/bundle/manifest.json says of which
// sources; the program serves these files only if they are of the sources that it was
// built with, and the sources themselves otherwise (app/bundle.go).

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";
import { PurgeCSS } from "purgecss";
import { minify } from "terser";
import { compressAll } from "./compress.mjs";
import { compileAhead } from "./converse.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bundle = join(root, "static/bundle");
const manifestFile = join(bundle, "manifest.json");

/** The modules that pages begin with. */
const scripts = ["static/js/visitor.js", "static/js/member.js"];

/** Style sheets, each of these in this order (layers: static/css/tokens.css). */
const styles = {
  "visitor.css": ["css/tokens.css", "lib/pico.conditional.min.css", "css/site.css", "css/landing.css"],
  "member.css": ["css/tokens.css", "lib/pico.conditional.min.css", "css/site.css", "css/list.css", "css/search.css"],
  "chat.css": ["converse/converse.min.css", "css/chat.css", "css/panel.css"],
};

/** What could be matched is what any of these say. */
const pages = ["static/js/**/*.js", "views/**/*.html"];
const content = [...pages, "static/converse/converse.min.js"];

/** Style sheets of others, of which only rules stay that could match anything here, and what says so: nothing of Converse's is inside .pico. */
const purged = { "lib/pico.conditional.min.css": pages, "converse/converse.min.css": content };

/** Attributes by which Converse's own themes are chosen: the site's is "foyer", of which Converse has nothing. */
const themes = ["data-bs-theme", "data-converse-theme"];

/** What Converse has for pages that are made otherwise: a background, a whole window, small windows, what hangs over something, themes. */
const unused = ["converse-bg", /^(converse-)?(fullscreen|overlayed)$/, /^theme-(?!foyer)/, /^(navbar|popover)(-|$)/, ...themes];

/** What Pico has for menus and for what waits, which the pages have in their own way: those of the chat are in nothing that Pico styles. */
const unusedOfPico = ["dropdown", "aria-busy"];

/** Classes begin so that are put together: `converse-${view_mode}`, of which there is one. */
const used = ["converse-embedded"];

/** Every file under a directory, by its path from the root. */
async function under(/** @type {string} */ directory, /** @type {RegExp} */ ending) {
  const entries = await readdir(join(root, directory), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && ending.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)).split(sep).join("/"));
}

/** What the bundles are made of, as one number: app/bundle.go makes the same of what is in the program. */
export async function sources() {
  const lists = await Promise.all([under("static/js", /\.js$/), under("static/css", /\.css$/), under("static/lib", /\.(js|css)$/), under("views", /\.html$/)]);
  const hash = createHash("sha256");
  for (const name of lists.flat().sort()) {
    const raw = await readFile(join(root, name));
    hash.update(`${name} ${raw.length}\n`).update(raw);
  }
  return hash.digest("hex");
}

/** What the bundles are made with. */
async function tools() {
  const hash = createHash("sha256");
  for (const name of ["scripts/bundle.mjs", "scripts/converse.mjs", "package-lock.json"]) hash.update(await readFile(join(root, name)));
  return hash.digest("hex");
}

/** What all that could be matched says. */
async function textsOf(/** @type {string[]} */ patterns) {
  const files = await Promise.all(patterns.map(async (pattern) => {
    const [directory, name] = pattern.includes("**") ? [pattern.split("/**")[0], pattern.split("*").at(-1)] : [dirname(pattern), pattern.split("/").at(-1)];
    return (await under(/** @type {string} */ (directory), /./)).filter((file) => file.endsWith(/** @type {string} */ (name)));
  }));
  return Promise.all(files.flat().map((file) => readFile(join(root, file), "utf8")));
}

/** Takes out of a style sheet what nothing here has. A class that is put together while a page runs begins or ends with what stands in the code. */
async function purge(/** @type {string} */ css, /** @type {string[]} */ texts, /** @type {(string | RegExp)[]} */ blocklist) {
  /** @type {Set<string>} */
  const parts = new Set();
  const words = (/** @type {string} */ text) => {
    const found = text.match(/[A-Za-z0-9_-]+/g) ?? [];
    for (const word of found) if (/^[a-z][\w-]{2,}-$/.test(word)) parts.add(word);
    return found;
  };
  texts.forEach(words);
  const [result] = await new PurgeCSS().purge({
    css: [{ raw: css }],
    content: texts.map((raw) => ({ raw, extension: "js" })),
    defaultExtractor: words,
    safelist: { standard: [...used, new RegExp(`^(?!${themes.join("|")})(${[...parts].filter((part) => !used.some((name) => name.startsWith(part))).join("|")})`)] },
    blocklist,
  });
  return /** @type {{css: string}} */ (result).css;
}

/** One style sheet of several, made smaller. */
async function joinStyles(/** @type {string} */ name, /** @type {string[]} */ files) {
  const parts = await Promise.all(files.map(async (file) => {
    const raw = await readFile(join(root, "static", file), "utf8");
    // All typefaces are the system's (static/css/tokens.css).
    const patterns = /** @type {Record<string, string[]>} */ (purged)[file];
    return patterns ? purge(raw.replaceAll(/@font-face\s*\{[^}]*\}/g, ""), await textsOf(patterns), patterns === pages ? unusedOfPico : unused) : raw;
  }));
  const code = await minifyStyles(parts.join("\n"));
  const [address] = code.match(/url\((?!["']?(data:|#))[^)]*\)/) ?? [];
  if (address) throw new Error(`${name} has ${address}, which would be looked for in another directory`);
  return code;
}

const minifyStyles = async (/** @type {string} */ css) => (await transform(css, { loader: "css", minify: true, legalComments: "none" })).code;

/** A custom property that gets a value, in a style sheet that was made smaller. */
const property = /(?<=[{;])(--[\w-]+):((?:"[^"]*"|'[^']*'|[^;{}"'])*)(?:;|(?=\}))/g;

/** Takes out of style sheets the custom properties that nothing asks for, and those that only such ones ask for. */
function withoutUnasked(/** @type {string[]} */ sheets, /** @type {string[]} */ texts) {
  const elsewhere = texts.flatMap((text) => text.match(/--[\w-]+/g) ?? []);
  for (let before = NaN, now = sheets.join("").length; now !== before; before = now, now = sheets.join("").length) {
    const asked = new Set([...elsewhere, ...sheets.flatMap((css) => css.replaceAll(/(?<=[{;])--[\w-]+:/g, "").match(/--[\w-]+/g) ?? [])]);
    sheets = sheets.map((css) => css.replaceAll(property, (all, name) => (asked.has(name) ? all : "")));
  }
  return sheets;
}

/** All style sheets. */
async function bundleStyles() {
  const texts = await textsOf(content);
  const sheets = await Promise.all(Object.entries(styles).map(([name, files]) => joinStyles(name, files)));
  const smaller = await Promise.all(withoutUnasked(sheets, texts).map(minifyStyles)); // some rules are empty now
  await Promise.all(Object.keys(styles).map((name, i) => writeFile(join(bundle, name), smaller[i])));
}

/** A script made smaller once more, by names that compress better, with the map to its sources. */
async function writeScript(/** @type {string} */ path, /** @type {string} */ text, /** @type {string} */ map) {
  const { code, map: whole } = await minify(text, { module: true, ecma: 2020, compress: { passes: 2 }, mangle: true, sourceMap: { content: map } });
  await writeFile(path, `${compileAhead}\n${code}\n`);
  await writeFile(`${path}.map`, /** @type {string} */ (whole));
}

/** A script in which other modules have the names of their bundles, where it asks for an address only. */
function named(/** @type {string} */ text, /** @type {Map<string, string>} */ names) {
  return text.replaceAll(/(?<=import\.meta\.resolve\(["'])\.\/(?:\w+\/)*([\w.]+)(?=["']\))/g, (all, name) => {
    if (!names.has(name)) throw new Error(`${name} is in no bundle of its own`);
    return `./${names.get(name)}`;
  });
}

/** A script in which the lines of templates begin at their words: no other lines are left in it. Maps are wrong by as much there. */
const withoutIndents = (/** @type {string} */ text) => text.replaceAll(/\n[ \t]+/g, "\n");

/** What a page begins with, and apart from it what it may come to need; says which files the beginning is in. */
async function bundleScript(/** @type {string} */ entry) {
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outdir: "static/bundle",
    entryNames: "[name]",
    chunkNames: "[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    target: "esnext",
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    sourcemap: "external", // served in development only
    sourcesContent: false,
    metafile: true,
    write: false,
    logLevel: "warning",
  });
  const names = Object.entries(metafile.outputs).flatMap(([file, { entryPoint = "" }]) => (entryPoint ? [[basename(entryPoint), basename(file)]] : []));
  const texts = new Map(outputFiles.map(({ path, text }) => [path, withoutIndents(named(text, new Map(names)))]));
  await Promise.all([...texts].filter(([path]) => path.endsWith(".js")).map(([path, text]) => writeScript(path, text, /** @type {string} */ (texts.get(`${path}.map`)))));
  const outputs = Object.entries(metafile.outputs).filter(([, { entryPoint }]) => entryPoint === entry);
  return outputs.map(([file, { imports }]) => {
    const needs = imports.filter(({ kind }) => kind === "import-statement").map(({ path }) => path.replace("static/", ""));
    return [file.replace("static/", ""), needs];
  });
}

/** Makes the bundles again, unless they are up to date. */
export async function bundleAll(force = false) {
  const now = { sources: await sources(), tools: await tools() };
  const before = JSON.parse(await readFile(manifestFile, "utf8").catch(() => "{}"));
  if (!force && before.sources === now.sources && before.tools === now.tools) return;
  await mkdir(bundle, { recursive: true });
  for (const name of await readdir(bundle)) {
    if (name !== "README.md") await rm(join(bundle, name));
  }
  const needs = await Promise.all(scripts.map(bundleScript));
  await bundleStyles();
  await compressAll((await readdir(bundle)).filter((name) => /\.(js|css)$/.test(name)).map((name) => join(bundle, name)));
  await writeFile(manifestFile, `${JSON.stringify({ ...now, needs: Object.fromEntries(needs.flat()) }, null, 2)}\n`);
  console.log("static/bundle is made of static/js and static/css.");
}
