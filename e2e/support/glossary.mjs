// Reads docs/GLOSSARY.md, for the tests that hold what people see to it.

import { readFileSync } from "node:fs";

const glossary = readFileSync(new URL("../../docs/GLOSSARY.md", import.meta.url), "utf8");

/** The words that nobody meets, whatever their case; `word*` is each word that begins so. */
export function unmet() {
  const [, section] = /^## Words that nobody meets$(.*?)^## /ms.exec(glossary) ?? [];
  const words = [...(section ?? "").matchAll(/`([\w-]+)(\*?)`/g)].map(([, word, more]) => word + (more ? "\\w*" : ""));
  if (words.length < 20) throw new Error("docs/GLOSSARY.md has no list of words that nobody meets");
  return new RegExp(`\\b(?:${words.join("|")})\\b`, "i");
}
