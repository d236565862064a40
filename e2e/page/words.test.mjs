// All that Converse can say, of what this site has of it, after static/js/chat/words.js.
// Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { usedOfConverse } from "../../scripts/converse.mjs";
import { reword, sentences } from "../../static/js/chat/words.js";
import { unmet } from "../support/glossary.mjs";

const dist = fileURLToPath(new URL("../../node_modules/converse.js/dist/converse.js", import.meta.url));

/** What Converse's two halves call the function that all it says goes through. */
const translators = new Set(["__", "___", "i18n_"]);

/** Functions of Converse, and variables, that are there and are never asked, and why. */
const UNREACHED = {
  getHelpMessages: "nothing is done by a command (settings.js)",
  onCommandError: "the same",
  validateRoleOrAffiliationChangeArgs: "the same",
  registerNickname: "the same: names are not reserved",
  destroyMUC: "roomMenu.js asks with the room's name",
  getSpoilerButton: "settings.js leaves the button out",
  tplTrustCheckbox: "the site's own form asks that (settings.js)",
  tplConnectionURLInput: "the page knows the address (settings.js)",
  i18n_anon_login: "nobody signs in without an account (settings.js)",
};

/** What rooms say of themselves and settings.js leaves out, as all rooms here are so. */
const UNSAID = new Set([
  "This groupchat is not anonymous",
  "This groupchat now shows unavailable members",
  "This groupchat does not show unavailable members",
  "This groupchat is now no longer anonymous",
  "This groupchat is now semi-anonymous",
  "This groupchat is now fully-anonymous",
]);

/** The name of the function, method or variable that a node stands in, the innermost first. */
function* around(node) {
  for (let at = node; at; at = at.parent) if ("name" in at && at.name && (ts.isFunctionLike(at) || ts.isVariableDeclaration(at))) yield at.name.getText();
}

/** The texts that may stand in an expression: one, either of two, or those that are put together. */
function texts(node) {
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isConditionalExpression(node)) return [node.whenTrue, node.whenFalse].flatMap(texts);
  return [];
}

/** Every string that Converse says, with the names of what it stands in. */
async function said() {
  const source = ts.createSourceFile("converse.js", await usedOfConverse(dist, []), ts.ScriptTarget.ESNext, true, ts.ScriptKind.JS);
  const all = [];
  const visit = (node) => {
    const called = ts.isCallExpression(node) && (ts.isPropertyAccessExpression(node.expression) ? node.expression.name : node.expression).getText();
    if (called && translators.has(called)) for (const text of node.arguments.slice(0, 1).flatMap(texts)) all.push({ text, within: [...around(node)] });
    ts.forEachChild(node, visit);
  };
  visit(source);
  return all;
}

test("Converse says no word that nobody is to meet", async () => {
  const all = await said();
  assert.ok(all.length > 300, `only ${all.length} strings were found: has the function another name?`);
  const forbidden = unmet();
  const met = all.filter(({ text, within }) => !UNSAID.has(text) && !within.some((name) => Object.hasOwn(UNREACHED, name)));
  const left = met.filter(({ text }) => forbidden.test(reword(text)));
  assert.deepEqual(left.map(({ text, within }) => `${reword(text)} (${within.join(" < ")})`), []);
  const unknown = [...Object.keys(UNREACHED)].filter((name) => !all.some(({ within }) => within.includes(name))).concat([...UNSAID].filter((text) => !all.some((each) => each.text === text)));
  assert.deepEqual(unknown, [], "exceptions that Converse does not have any more");
  const known = new Set(all.map(({ text }) => text));
  assert.deepEqual(sentences.filter((text) => !known.has(text)), [], "sentences that Converse does not say any more");
});
