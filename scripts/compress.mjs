// Files with a .br and a .gz beside them, where that makes them smaller.

import { readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { extname } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const compressible = new Set([".js", ".css", ".json", ".svg", ".wasm", ".ttf", ".txt"]);
const smallest = 1024; // bytes; below this a compressed copy is not worth a file

const compressors = {
  br: (/** @type {Buffer} */ raw) => promisify(brotliCompress)(raw, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: raw.length },
  }),
  gz: (/** @type {Buffer} */ raw) => promisify(gzip)(raw, { level: 9 }),
};

async function compress(/** @type {string} */ file) {
  if (!compressible.has(extname(file))) return;
  const raw = await readFile(file);
  if (raw.length < smallest) return;
  for (const [ending, pack] of Object.entries(compressors)) {
    const packed = await pack(raw);
    if (packed.length < raw.length * 0.95) await writeFile(`${file}.${ending}`, packed);
  }
}

/** Works through the files, as many at once as there are cores. */
export async function compressAll(/** @type {string[]} */ list) {
  const queue = [...list];
  const worker = async () => {
    for (let file = queue.shift(); file; file = queue.shift()) await compress(file);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}
