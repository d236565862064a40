// Writes the report of fuzz.sh: how many targets passed, and for each that failed its
// output, which is in a file of its name.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const [passed, dir] = process.argv.slice(2);
const failures = readdirSync(dir).map((name) => ({ name, error: readFileSync(join(dir, name), "utf8") }));
console.log(JSON.stringify({ passed: Number(passed), failures, skipped: [] }));
