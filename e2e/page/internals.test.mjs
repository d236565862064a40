// What this site relies on in Converse is there, and the file of internals names each that the
// scripts use. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { converseText, startConverse } from "./converse.mjs";
import "./support.mjs";

const text = await converseText();
const _converse = await startConverse(text, ["converse-adhoc", "converse-version", "converse-rosterview", "converse-adhoc-views", "converse-dragresize"]); // as boot.js has it
const { ENCRYPTION, METHODS, missing, missingOf, NAMES } = await import("../../static/js/chat/internals.js");

const chat = new URL("../../static/js/chat/", import.meta.url);

const scripts = async () => {
  const names = (await readdir(chat, { recursive: true })).filter((name) => name.endsWith(".js") && !name.endsWith("internals.js"));
  return Promise.all(names.map(async (name) => ({ name, text: await readFile(new URL(name, chat), "utf8") })));
};

/** Lets something be there no more, for as long as something is done. */
function without(object, name, what) {
  const descriptor = Object.getOwnPropertyDescriptor(object, name);
  assert.ok(descriptor, `${name} is inherited`);
  delete object[name];
  try {
    return what();
  } finally {
    Object.defineProperty(object, name, descriptor);
  }
}

test("Converse has every internal that is relied on, and what it has no more is named", () => {
  const { api, exports } = _converse;
  assert.deepEqual(missing(_converse), []);
  const all = () => missing(_converse);
  assert.deepEqual(without(api.elements.registry["converse-chat-message"].prototype, "getExtraMessageClasses", all), ["elements.converse-chat-message.getExtraMessageClasses"]);
  assert.deepEqual(without(api.elements.registry, "converse-icon", all), ["elements.converse-icon"]);
  assert.deepEqual(without(exports.MUC.prototype, "setSubject", all), ["exports.MUC.prototype.setSubject"]);
  assert.deepEqual(without(exports, "handleMAMResult", all), ["exports.handleMAMResult"]);
  assert.deepEqual(without(exports, "ControlBox", all), ["exports.ControlBox"]);
  assert.deepEqual(without(api.blocklist, "remove", all), ["api.blocklist.remove"]);
});

test("a connection has what is relied on, over either transport", () => {
  const { connection, settings } = _converse.api;
  const names = ["bosh", "websocket"].map((transport) => {
    if (transport === "websocket") settings.set({ websocket_url: "wss://localhost/xmpp-websocket" });
    connection.init();
    const made = connection.get();
    assert.ok(made.isType(transport), transport);
    return [missingOf(made), without(made, "service", () => missingOf(made))];
  });
  assert.deepEqual(names, [[[], ["connection.service"]], [[], ["connection.service"]]]);
});

test("what is called by its name alone is called so by Converse", () => {
  const { registry } = _converse.api.elements;
  const { pluggable } = _converse;
  const places = {
    elements: (name) => Boolean(customElements.get(name)),
    drawn: (name) => !(name in registry) && text.includes(`<${name}`),
    dialogs: (name) => !(name in registry) && new RegExp(`modal\\.show\\(["']${name}["']`).test(text),
    plugins: (name) => name in pluggable.plugins,
    texts: (name) => new RegExp(`\\b${name}\\(`).test(text),
    databases: (name) => text.includes(`"${name}"`) || text.includes(`'${name}'`),
  };
  for (const [kind, names] of Object.entries(NAMES)) {
    assert.deepEqual(names.filter((name) => !places[kind](name)), [], kind);
    assert.ok(!places[kind]("converse-made-up"), kind);
  }
});

test("what scripts name of Converse's elements, dialogs and plugins stands among the internals", async () => {
  const internals = await readFile(new URL("internals.js", chat), "utf8");
  const named = new Set(internals.match(/\bconverse-[\w-]+/g));
  const used = (await scripts()).flatMap(({ name, text }) => (text.match(/\bconverse-[\w-]+/g) ?? []).map((word) => ({ name, word })));
  assert.ok(used.length > 50, "nothing is found any more");
  assert.deepEqual(used.filter(({ word }) => !named.has(word)), []);
});

test("what scripts take from Converse's state and from its connection stands among the internals", async () => {
  const internals = await readFile(new URL("internals.js", chat), "utf8");
  const named = new Set(internals.match(/\w+/g));
  const used = [];
  for (const { name, text } of await scripts()) {
    for (const [path, word] of text.matchAll(/(?:_converse\.state|\bconnection)\??\.(\w+)/g)) used.push({ name, path, word });
    const taken = /const \{[^}]*\bstate\b[^}]*\} = (?:this\.)?_converse;/.test(text) ? text.matchAll(/(?<![.\w])state\??\.(\w+)/g) : [];
    for (const [path, word] of taken) used.push({ name, path, word });
    for (const [, words] of text.matchAll(/const \{([^}]*)\} = (?:this\.)?_converse\.state;/g)) for (const word of words.match(/\w+/g)) used.push({ name, path: `state.${word}`, word });
  }
  assert.ok(used.length > 50, "nothing is found any more");
  assert.deepEqual(used.filter(({ word }) => !named.has(word)), []);
});

/** The classes of Converse's models and elements. */
const classes = () => [...Object.values(_converse.exports), ...Object.values(_converse.api.elements.registry)].filter((type) => typeof type === "function" && type.prototype);

const chainOf = (prototype) => (prototype && prototype !== Object.prototype ? [prototype, ...chainOf(Object.getPrototypeOf(prototype))] : []);
const methodsOf = (object) => Object.entries(Object.getOwnPropertyDescriptors(object)).filter(([name, { value }]) => typeof value === "function" && name !== "constructor").map(([name]) => name);

/** The methods that its classes have of Converse: not of what they stand on (Skeletor, Lit), nor called as what everything has. */
function ownMethods() {
  const { Model, Collection } = window.converse.env;
  const below = new Set([Model, Collection, _converse.exports.CustomElement].flatMap(({ prototype }) => chainOf(prototype)));
  const taken = new Set([...below, Array, String, Map].flatMap((each) => methodsOf(each.prototype ?? each)));
  const all = classes().flatMap((type) => [...chainOf(type.prototype).filter((prototype) => !below.has(prototype)), ...(/^class\b/.test(String(type)) ? [type] : [])]);
  return new Set(all.flatMap(methodsOf).filter((name) => !taken.has(name)));
}

/** Called so by the scripts, of something else than Converse's. */
const OTHERS = [
  "focus", // of any element
  "invite", // room/members.js
];

const withoutComments = (text) => text.replace(/\/\*[^]*?\*\/|(?<=^|\s)\/\/.*$/gm, "");

/** What a script calls, takes or puts into the place of, of methods that are Converse's own. */
function usesOf(text, methods) {
  const code = withoutComments(text);
  const taken = [...code.matchAll(/(?:const|let) \{([^}]*)\} = [^;]*(?:rototype|exports)/g)].flatMap(([, words]) => [...words.matchAll(/(\w+)(?: = [^,]*)?(?=\s*[,:}]|\s*$)/g)]);
  return [...code.matchAll(/\.(\w+)/g), ...taken].map(([, word]) => word).filter((word) => methods.has(word));
}

test("what scripts call of Converse's models and elements, or put into its place, stands among the internals", async () => {
  const methods = ownMethods();
  for (const name of ["createMessage", "fetchMissingMessages", "getActionsDropdownItem", "getOccupant"]) assert.ok(methods.has(name), name);
  assert.deepEqual(usesOf("const { createMessage } = prototype; // .getOccupant", methods), ["createMessage"]);
  assert.deepEqual(usesOf("prototype.createMessage = function () {}; gap.fetchMissingMessages();", methods), ["createMessage", "fetchMissingMessages"]);
  const named = new Set([...(await readFile(new URL("internals.js", chat), "utf8")).match(/\w+/g), ...OTHERS]);
  const used = (await scripts()).flatMap(({ name, text }) => usesOf(text, methods).map((word) => ({ name, word })));
  assert.ok(used.length > 200, "nothing is found any more");
  assert.deepEqual(used.filter(({ word }) => !named.has(word)), []);
  assert.deepEqual(OTHERS.filter((word) => !used.some((each) => each.word === word)), [], "called no more");
});

/**
 * Which methods of which models a script replaces, as far as it says so where it does: `exports.MUC.prototype.join = `, or by a name
 * that was given to one class's prototype, or to each of a list. What comes as a parameter is the check before this one's alone.
 */
function replacedBy(text) {
  const replaced = [];
  const known = new Map(); // which classes a name means, until it is given again
  const classesIn = (list) => list.split(",").map((each) => each.trim().replace(/^.*\./, "")).filter(Boolean);
  const forms = [
    /for \(const \{ prototype(?:: (?<each>\w+))? \} of \[(?<list>[^\]]*)\]\)/,
    /const \{ prototype(?:: (?<one>\w+))? \} = (?:[\w.]*\b)?exports\.(?<of>\w+);/,
    /const (?<own>\w+) = (?:[\w.]*\b)?exports\.(?<from>\w+)\.prototype;/,
    /function \w+\((?:\{ )?(?<parameter>prototype)\b/,
    /const \{ (?<other>prototype)\b[^}]*\} = /,
    /\b(?<type>\w+)\.prototype\.(?<direct>\w+) = /,
    /(?<![.\w])(?<by>\w+)\.(?<method>\w+) = (?=async function|function)/,
  ];
  for (const { groups: at } of withoutComments(text).matchAll(new RegExp(forms.map(({ source }) => source).join("|"), "g"))) {
    if (at.list !== undefined) known.set(at.each ?? "prototype", classesIn(at.list));
    else if (at.of) known.set(at.one ?? "prototype", [at.of]);
    else if (at.own) known.set(at.own, [at.from]);
    else if (at.parameter || at.other) known.delete("prototype");
    else if (at.direct) replaced.push([at.type, at.direct]);
    else for (const type of known.get(at.by) ?? []) replaced.push([type, at.method]);
  }
  return replaced.filter(([type]) => typeof _converse.exports[type] === "function").map(([type, method]) => `exports.${type}.prototype.${method}`);
}

test("what scripts replace of Converse's models is asserted of each class of which they replace it", async () => {
  const asserted = (path) => {
    const [, owner, name] = /^(.*)\.(\w+)$/.exec(path);
    return METHODS[owner]?.includes(name) || ENCRYPTION[owner]?.includes(name);
  };
  assert.deepEqual(replacedBy("for (const { prototype } of [exports.ChatBox, MUC]) { const { join } = prototype; prototype.join = async function () {}; }\nfunction f({ prototype }) { prototype.leave = function () {}; }"), [
    "exports.ChatBox.prototype.join",
    "exports.MUC.prototype.join",
  ]);
  assert.deepEqual(replacedBy("const room = _converse.exports.MUC.prototype; room.join = function () {}; ChatBox.prototype.close = () => {};"), ["exports.MUC.prototype.join", "exports.ChatBox.prototype.close"]);
  const replaced = (await scripts()).flatMap(({ name, text }) => replacedBy(text).map((path) => ({ name, path })));
  assert.ok(replaced.length > 40, "nothing is found any more");
  assert.deepEqual(replaced.filter(({ path }) => !asserted(path)), []);
});

test("what scripts take of Converse's interface and of its environment stands among the internals", async () => {
  const named = new Set((await readFile(new URL("internals.js", chat), "utf8")).match(/[\w$]+/g));
  const takenBy = (text) => [
    ...[...text.matchAll(/(?<![.\w])(?:(?:this\.)?_converse\.|window\.converse\.)?(?:api|env|u)((?:\??\.[\w$]+)+)/g)].flatMap(([, path]) => path.split(/\??\./).slice(1)),
    ...[...text.matchAll(/const \{([^}]*)\} = (?:(?:_converse\.|this\.)?api|window\.converse\.env)(?:\.\w+)*;/g)].flatMap(([, words]) => words.match(/[\w$]+/g)),
  ];
  const regular = ["exec"]; // of a regular expression, /…/u
  const used = (await scripts()).flatMap(({ name, text }) => takenBy(withoutComments(text)).map((word) => ({ name, word })));
  assert.ok(used.length > 200, "nothing is found any more");
  assert.deepEqual(used.filter(({ word }) => !named.has(word) && !regular.includes(word)), []);
});
