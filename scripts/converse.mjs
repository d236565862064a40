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
  "./src/headless/plugins/adhoc/", // commands by form: no page offers them, as well as
  "./src/headless/plugins/version/", // which server it is
  "./src/plugins/adhoc-views/",
  "./src/plugins/bookmark-views/", // static/js/chat/list/follow.js
  "./src/plugins/controlbox/modals/",
  "./src/plugins/disco-views/", // a browser of services
  "./src/plugins/dragresize/", // no conversation is a window that somebody drags
  "./src/plugins/fullscreen/",
  "./src/plugins/headlines-view/",
  "./src/plugins/minimize/",
  "./node_modules/bootstrap/js/src/popover.js",
  "./node_modules/bootstrap/js/src/tooltip.js",
  "./src/plugins/muc-views/affiliation-form.js",
  "./src/plugins/muc-views/modals/", // static/js/chat/room/, and pages of the site
  "./src/plugins/muc-views/modtools.js",
  "./src/plugins/muc-views/occupants.js", // static/js/chat/room/members.js
  "./src/plugins/muc-views/role-form.js",
  "./src/plugins/muc-views/search.js",
  "./src/plugins/muc-views/sidebar-occupant.js",
  "./src/plugins/notifications/", // static/js/chat/unread/notifications.js, badge.js
  "./node_modules/favico.js-slevomat/",
  "./src/plugins/omemo-views/fingerprints.js",
  "./src/plugins/omemo-views/profile.js",
  "./src/plugins/omemo-views/templates/",
  "./src/plugins/profile/modals/", // static/js/chat/people/personCard.js, and the site's settings
  "./src/plugins/profile/password-reset.js",
  "./src/plugins/push/", // static/js/push.js
  "./src/plugins/register/", // accounts are the site's
  "./src/plugins/roomslist/", // static/js/chat/list/
  "./src/plugins/rootview/background.js",
  "./src/plugins/rosterview/", // static/js/chat/list/
  "./src/plugins/singleton/",
  "./src/plugins/profile/statusview.js",
  "./src/plugins/muc-views/muc-chat-content.js", // static/js/chat/history/historyView.js, as well as
  "./src/shared/chat/chat-content.js",
  "./src/shared/chat/help-messages.js", // of commands, which there are none of
  "./src/shared/chat/location-button.js",
  "./src/shared/chat/message-limit.js",
  "./src/shared/chat/templates/message-limit.js",
  "./src/shared/chat/templates/unfurl.js",
  "./src/shared/autocomplete/component.js", // of its dialogs
  "./src/shared/chat/unfurl.js", // static/js/chat/messages/previews.js
  "./src/shared/components/brand-heading.js",
  "./src/shared/components/brand-logo.js",
  "./src/shared/components/footer.js",
  "./src/shared/components/image-picker.js",
  "./src/shared/components/list-filter.js",
  "./src/shared/components/logo.js",
  "./src/shared/components/split-resize.js",
  "./src/shared/modals/user-details.js", // static/js/chat/people/personCard.js
  "./src/shared/modals/templates/user-details.js",
  "./src/shared/gif/", // which move by themselves, and files are shown by static/js/chat/messages/files.js, as well as
  "./src/shared/texture/templates/gif.js",
  "./node_modules/gifuct-js/",
  "./src/shared/texture/components/audio-player.js", // and sound the browser can play
  "./src/shared/qrcode/",
  "./node_modules/hsluv/", // initials have the site's colours, and no message is written once more with one of its own
  // Its style sheets are one file, beside it; for each it would put an empty <style> into the page.
  "./node_modules/css-loader/",
  "./node_modules/style-loader/",
];
const style = /\.scss$/;

/** What is named all the same and never used: it is nothing, and what it needs goes. */
const emptied = [
  "./node_modules/localforage-webextensionstorage-driver/", // a store for a browser's extension
  "./src/headless/utils/color.js", // colours of names
  "./src/plugins/modal/popover.js",
  "./src/plugins/chatview/templates/chat-head.js", // static/js/chat/header.js, as well as
  "./src/plugins/muc-views/templates/muc-head.js",
  "./src/plugins/controlbox/toggle.js", // opens a list that was closed, which is none here
  "./src/plugins/modal/templates/prompt.js", // static/js/chat/dialogs/questions.js
  "./src/plugins/chatview/templates/message-form.js", // static/js/chat/composer/form.js, as well as
  "./src/plugins/muc-views/templates/message-form.js",
  "./src/plugins/muc-views/templates/muc-occupant.js", // static/js/chat/room/privateMessages.js
  "./src/shared/autocomplete/autocomplete.js", // static/js/chat/composer/completion.js
];

/** What is added to an element, and adds nothing here: it is the element. */
const mixins = ["./src/plugins/dragresize/mixin.js", "./src/headless/shared/color.js"];

/** Pictures by names, of which those stay that something names. */
const icons = "./src/shared/components/templates/icons.js";

/** @typedef {{name: string, text: string}} Module */

/** And what stays of that: what a conversation shows when somebody who is no contact asks to be one. */
const stay = /^\.\/src\/plugins\/rosterview\/(?:.*\/)?(?:approval-alert|unsaved-alert|utils|constants)\.js$/;

const goes = (/** @type {string} */ name) => style.test(name) || (leftOut.some((begin) => name.startsWith(begin)) && !stay.test(name) && !mixins.includes(name));

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

/** The names that stand in the code of a text, in their order. */
const names = (/** @type {string} */ text) => text.replaceAll(/\/\*[^]*?\*\/|\/\/[^\n]*/g, "").match(/[A-Za-z_$][\w$]*/g) ?? [];

/**
 * What the names of one text are called in another, if both are the same source, put into two scopes.
 * @returns {Map<string, string> | null}
 */
function renamed(/** @type {string} */ first, /** @type {string} */ second) {
  const [ours, theirs] = [names(first), names(second)];
  const others = new Map(ours.flatMap((name, i) => (name === theirs[i] ? [] : [[name, theirs[i]]])));
  const same = ours.length === theirs.length && ours.every((name, i) => [name, others.get(name)].includes(theirs[i]));
  return same ? others : null;
}

/**
 * What both halves of Converse have of others, such as DOMPurify, is there once: that of the second half, which
 * comes first then, serves the headless one as well.
 */
function withoutCopies(/** @type {Module[]} */ list) {
  /** @type {Module[]} */
  const shared = [];
  const rest = list.map((module, i) => {
    const { name, text } = module;
    const other = name.startsWith("./node_modules/") && list.find((each, at) => at > i && each.name === name);
    const aliases = other && renamed(text, other.text);
    if (!other || !aliases) return module;
    shared.push(other);
    return { name, text: [...aliases].map(([ours, theirs]) => `var ${ours} = ${theirs};\n`).join("") };
  });
  return [...shared, ...rest.filter((module) => !shared.includes(module))];
}

/** Leaves of some modules their names alone. */
function withoutContents(/** @type {Module[]} */ list) {
  const isEmptied = (/** @type {Module} */ { name }) => emptied.some((begin) => name.startsWith(begin));
  return list.map((module) => {
    if (mixins.includes(module.name)) return { ...module, text: declared(module.text).map((name) => `function ${name}(Element) { return Element; }\n`).join("") };
    return isEmptied(module) ? { ...module, text: `var ${declared(module.text).join()};\n` } : module;
  });
}

/** The numbers of modules that a text asks for. */
const needs = (/** @type {string} */ text) => [...text.matchAll(/__nested_rspack_require_\w+__\((\d+)\)/g)].map(([, number]) => number);

/** Leaves out what is needed by nothing of those modules of the headless half that have numbers. */
function withoutNeedless(/** @type {Module[]} */ list) {
  const index = list.findIndex(({ text }) => text.includes(others));
  const [, before, body, after] = /^(.*?\(\{\n)(.*)(\n\}\);\n\/\/ The module cache.*)$/s.exec(list[index]?.text) ?? [];
  if (!body) throw new Error("Converse's headless half is built otherwise than it was (scripts/converse.mjs)");
  const numbered = modules(body, /^(\d+)\(/gm);
  const stay = new Set(needs([after, ...list.toSpliced(index, 1).map(({ text }) => text)].join()));
  // What is found is gone through as well.
  for (const number of stay) for (const next of needs(numbered.find(({ name }) => name === number)?.text ?? "")) stay.add(next);
  const text = numbered.filter(({ name }) => !name || stay.has(name)).map((each) => each.text).join("");
  return list.with(index, { ...list[index], text: before + text + after });
}

/** Leaves out the pictures that nothing names. */
function withoutUnnamed(/** @type {Module[]} */ list, /** @type {string[]} */ own) {
  const index = list.findIndex(({ name }) => name === icons);
  const named = new Set(list.toSpliced(index, 1).flatMap(({ text }) => iconsIn(text)).concat(own));
  const text = list[index].text.replaceAll(/<symbol id="icon-([\w-]+)".*?<\/symbol>/gs, (symbol, name) => (named.has(`fa-${name}`) ? symbol : ""));
  return list.with(index, { ...list[index], text });
}

/**
 * What is drawn otherwise: messages of one author stand under one name where less than five minutes and no midnight are between them,
 * and those without a name of their own say in an attribute when they were said, which is also what stands beside a name that was
 * edited (Converse: ten minutes, no time, and when it was edited); the arrow of an answer is whole in its frame, no stars stand before who does something (“/me waves”),
 * pictures that move and sounds within a text are the browser's, as those are that are a message of their own, and nobody
 * has a colour.
 */
const drawn = [
  ["date.isBefore(message_dayjs(prev_model.get('time')).add(10, 'minutes'))", "date.isBefore(message_dayjs(prev_model.get('time')).add(5, 'minutes')) && date.isSame(prev_model.get('time'), 'day')"],
  ["const edited = el.model.get('edited');", "const edited = null;"],
  ['data-isodate="${time}" data-msgid="${msgid}"', 'data-isodate="${time}" data-time="${pretty_time}" data-msgid="${msgid}"'],
  ['id="icon-reply" viewBox="0 0 512 512"', 'id="icon-reply" viewBox="60 54 516 516"'],
  ["${is_me_message ? '**' : ''}", ""],
  ["url_obj.is_gif && this", "false && this"],
  ["image_isGIFURL(this.src) && ", "false && "],
  ["const author_style = this.model.getAvatarStyle(css);", ""],
  ["until_m(author_style, default_bg_css + css)", "css"],
  ["this.on('change:nick', () => this.setColor());", ""],
  ["document.addEventListener('visibilitychange', () => this.onWindowStateChanged());", ""], // of a conversation between two, for ever; static/js/chat/unread/unread.js does it
  ["document.addEventListener('visibilitychange', () => this.onWindowStateChanged());", ""], // of a room
  ["this.on('change:jid', () => this.setColor());", ""],
  ['<converse-audio-player src="${url}" title="${title || ""}" ?hide_url="${hide_url}"></converse-audio-player>', '<audio controls preload="metadata" src="${url}" aria-label="${url.split("/").pop()}"></audio>${hide_url ? "" : lit_html_lit_html_b`<a target="_blank" rel="noopener" href="${url}">${url}</a>`}'],
];

/** Draws it so. */
function withDrawn(/** @type {Module[]} */ list) {
  return drawn.reduce((changed, [from, to]) => {
    const index = changed.findIndex(({ text }) => text.includes(from));
    if (index < 0) throw new Error(`Converse has no ${from} any more: take it out of scripts/converse.mjs`);
    return changed.with(index, { ...changed[index], text: changed[index].text.replace(from, to) });
  }, list);
}

/** What the site does in its own way, by where Converse's begins: that does nothing, and what nothing else needs goes. */
const replaced = [
  "async sendFiles(files) {", // static/js/chat/composer/composerPlugin.js, and what is used by that alone:
  "sendSlotRequestStanza() {",
  "getUploadRequestMetadata(stanza) {",
  "async getRequestSlotURL() {",
  "uploadFile() {",
  "async onMessageUploadChanged(message) {",
  "async onFormSubmitted(ev) {", // static/js/chat/composer/form.js, as well as
  "onPaste(ev) {",
  "onDrop(ev) {", // static/js/chat/composer/composerPlugin.js
  "async function parseMessageForMUCCommands(data, handled) {", // nothing is done by a command (static/js/chat/settings.js)
];

/** Leaves of that the name alone. */
function withoutReplaced(/** @type {Module[]} */ list) {
  return replaced.reduce((changed, begin) => {
    const found = changed.filter(({ text }) => text.includes(begin));
    if (found.length !== 1) throw new Error(`Converse has ${found.length} of ${begin} … (scripts/converse.mjs)`);
    return changed.with(changed.indexOf(found[0]), { ...found[0], text: found[0].text.replace(begin, `${begin} return;`) });
  }, list);
}

/** The names that a module gives to all. */
function declared(/** @type {string} */ text) {
  const names = [...text.matchAll(/^(?:\/\* export default \*\/ )?(?:async )?(?:var|let|const|class|function\*?) (?:\{([^}]*)\}|([\w$]+))/gm)];
  return names.flatMap(([, several, one]) => (one ? [one] : several.split(",").map((each) => /([\w$]+)\s*(?:=.*)?$/s.exec(each)?.[1] ?? ""))).filter(Boolean);
}

/** Makes sure that nothing is left out in vain: it may have another name by now. */
function checkList(/** @type {string[]} */ names) {
  const unmet = [...leftOut, ...emptied, ...mixins].filter((begin) => !names.some((name) => name.startsWith(begin)));
  if (unmet.length > 0) throw new Error(`Converse has no ${unmet.join(", no ")} (scripts/converse.mjs)`);
}

/** Names of icons that stand in a text. */
export const iconsIn = (/** @type {string} */ text) => text.match(/\bfa-[a-z-]+/g) ?? [];

/**
 * What of dist/converse.js of Converse's package is used here, as readable as it is there, with the icons that the
 * site's own scripts name.
 */
export async function usedOfConverse(/** @type {string} */ file, /** @type {string[]} */ own) {
  const [before, after] = split(await readFile(file, "utf8"), together);
  const [head, single] = split(before, others);
  const [body, rest] = split(after, runtime);
  const [run] = split(rest, startup);

  const apart = modules(single, /^"([^"\n]+)"\(/gm);
  const inOne = modules(body, /^(?:;\/\/ CONCATENATED|\/\/ EXTERNAL) MODULE: (.*)$/gm);
  checkList([...apart, ...inOne].map(({ name }) => name));
  const stays = (/** @type {Module} */ { name }) => !goes(name);
  const text = (/** @type {Module[]} */ list) => list.map((each) => each.text).join("");
  const gone = new Set(inOne.filter((each) => !stays(each)).flatMap(({ text }) => declared(text)));
  const core = withDrawn(withoutReplaced(withoutUnnamed(withoutNeedless(withoutContents(withoutCopies(inOne.filter(stays)))), own)));

  const whole = `import {${[...gone].join()}} from "left out";
    ${head}const __webpack_require__ = (() => {
      ${others}${text(apart.filter(stays))}});
      // The module cache${run}return __webpack_require__;
    })();
    const __webpack_exports__ = {};
    ${text(core)}`;
  const { code } = await transform(whole, { minifySyntax: true, minifyWhitespace: true, treeShaking: true, format: "esm", target: "esnext", legalComments: "none", drop: ["debugger"] });
  // What nobody uses is not imported.
  const [, needed, script] = /** @type {RegExpExecArray} */ (/^import(.*?)"left out";(.*)$/s.exec(code));
  if (needed) throw new Error(`Converse needs ${needed} of what is left out (scripts/converse.mjs)`);
  return script;
}

/** Converse's script, as it is served. */
export async function converseScript(/** @type {string} */ file, /** @type {string[]} */ own) {
  // What Terser writes compresses better than what esbuild does, by 18 kB.
  const { code } = await minify(await usedOfConverse(file, own), { module: true, ecma: 2020, compress: { passes: 2 }, mangle: true });
  return `${compileAhead}\n${code}\n`;
}
