// Makes static/converse/converse.min.js of the build that Converse's package has
// (dist/converse.js, where every module stands under its name), without the modules of
// which this site shows nothing. What stays is Converse's own, unchanged; that it does not
// need what goes is checked by name, so that another release of Converse fails here and
// not in a browser. docs/decisions/0016-converse-without-what-is-not-used.md has the figures.

import { readFile } from "node:fs/promises";
import { transform } from "esbuild";
import { minify } from "terser";

/**
 * Chromium compiles all of such a script while it loads, beside the page, and not each
 * function in the page when it is first called: most are, when the chat starts.
 */
export const compileAhead = "//# allFunctionsCalledOnLoad";

/** What is left out, by the beginnings of modules' names. */
const leftOut = [
  "./src/plugins/adhoc-views/", // commands by form: no page offers them
  "./src/plugins/disco-views/", // a browser of services
  "./src/plugins/fullscreen/",
  "./src/plugins/headlines-view/",
  "./src/plugins/minimize/",
  "./src/plugins/muc-views/modals/", // static/js/chat/room/, and pages of the site
  "./src/plugins/muc-views/modtools.js",
  "./src/plugins/notifications/", // static/js/chat/notifications.js, badge.js
  "./node_modules/favico.js-slevomat/",
  "./src/plugins/omemo-views/profile.js",
  "./src/plugins/omemo-views/templates/profile.js",
  "./src/plugins/profile/modals/", // static/js/chat/personCard.js, and the site's settings
  "./src/plugins/profile/password-reset.js",
  "./src/plugins/push/", // static/js/push.js
  "./src/plugins/register/", // accounts are the site's
  "./src/plugins/roomslist/", // static/js/chat/list/
  "./src/plugins/rootview/background.js",
  "./src/plugins/rosterview/", // static/js/chat/list/
  "./src/plugins/singleton/",
  "./src/shared/modals/user-details.js", // static/js/chat/personCard.js
  "./src/shared/modals/templates/user-details.js",
  "./src/shared/qrcode/",
  // Its style sheets are one file, beside it; for each it would put an empty <style> into the page.
  "./node_modules/css-loader/",
  "./node_modules/style-loader/",
];
const style = /\.scss$/;

/** And what stays of that: what a conversation shows when somebody who is no contact asks to be one. */
const stay = /^\.\/src\/plugins\/rosterview\/(?:.*\/)?(?:approval-alert|unsaved-alert|add-contact|accept-contact-request|utils|constants)\.js$/;

const goes = (/** @type {string} */ name) => style.test(name) || (leftOut.some((begin) => name.startsWith(begin)) && !stay.test(name));

// Where its parts begin: modules of a form of their own, those that were put into one scope, and what runs them.
const others = "var __webpack_modules__ = ({\n";
const together = '"./src/index.js"(__unused_rspack___webpack_module__, __webpack_exports__, __webpack_require__) {\n';
const runtime = "\n},\n\n});\n// The module cache";
const startup = 'var __webpack_exports__ = __webpack_require__("./src/index.js");';

/** Splits a text in two, where something stands last. */
function split(/** @type {string} */ text, /** @type {string} */ at) {
  const index = text.lastIndexOf(at);
  if (index < 0) throw new Error(`Converse is built otherwise than it was: ${JSON.stringify(at)} is missing (scripts/converse.mjs)`);
  return [text.slice(0, index), text.slice(index + at.length)];
}

/** The modules of a text, each by its name and with the line that says it. */
function modules(/** @type {string} */ text, /** @type {RegExp} */ begin) {
  const found = [...text.matchAll(begin)];
  const starts = found.map(({ index }) => index);
  return [
    { name: "", text: text.slice(0, starts[0]) },
    ...found.map(({ 1: name }, i) => ({ name, text: text.slice(starts[i], starts[i + 1]) })),
  ];
}

/** The names that a module gives to all. */
function declared(/** @type {string} */ text) {
  const names = [...text.matchAll(/^(?:async )?(?:var|let|const|class|function\*?) (?:\{([^}]*)\}|([\w$]+))/gm)];
  return names.flatMap(([, several, one]) => (one ? [one] : several.split(",").map((each) => /([\w$]+)\s*(?:=.*)?$/s.exec(each)?.[1] ?? ""))).filter(Boolean);
}

/** Makes sure that nothing is left out in vain: it may have another name by now. */
function checkList(/** @type {string[]} */ names) {
  const unmet = leftOut.filter((begin) => !names.some((name) => name.startsWith(begin)));
  if (unmet.length > 0) throw new Error(`Converse has no ${unmet.join(", no ")} (scripts/converse.mjs)`);
}

/** Converse's script, of dist/converse.js of its package. */
export async function converseScript(/** @type {string} */ file) {
  const [before, after] = split(await readFile(file, "utf8"), together);
  const [head, single] = split(before, others);
  const [body, rest] = split(after, runtime);
  const [run] = split(rest, startup);

  const apart = modules(single, /^"([^"\n]+)"\(/gm);
  const inOne = modules(body, /^(?:;\/\/ CONCATENATED|\/\/ EXTERNAL) MODULE: (.*)$/gm);
  checkList([...apart, ...inOne].map(({ name }) => name));
  const stays = (/** @type {{name: string}} */ { name }) => !goes(name);
  const text = (/** @type {{text: string}[]} */ list) => list.map((each) => each.text).join("");
  const gone = new Set(inOne.filter((each) => !stays(each)).flatMap(({ text }) => declared(text)));

  const whole = `import {${[...gone].join()}} from "left out";
    ${head}const __webpack_require__ = (() => {
      ${others}${text(apart.filter(stays))}});
      // The module cache${run}return __webpack_require__;
    })();
    const __webpack_exports__ = {};
    ${text(inOne.filter(stays))}`;
  const { code } = await transform(whole, { minifySyntax: true, minifyWhitespace: true, treeShaking: true, format: "esm", target: "esnext", legalComments: "none", drop: ["debugger"] });
  // What nobody uses is not imported.
  const [, needed, script] = /** @type {RegExpExecArray} */ (/^import(.*?)"left out";(.*)$/s.exec(code));
  if (needed) throw new Error(`Converse needs ${needed} of what is left out (scripts/converse.mjs)`);
  // Terser gives names that compress better than esbuild's, by 14 kB.
  const { code: named } = await minify(script, { module: true, compress: false, mangle: true });
  return `${compileAhead}\n${named}\n`;
}
