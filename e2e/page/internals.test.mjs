// What this site relies on in Converse is there, and the file of internals names each that the
// scripts use. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { converseText, startConverse } from "./converse.mjs";
import "./support.mjs";

const text = await converseText();
const _converse = await startConverse(text, ["converse-adhoc", "converse-version", "converse-rosterview", "converse-adhoc-views", "converse-dragresize"]); // as boot.js has it
const { missing, missingOf, NAMES } = await import("../../static/js/chat/internals.js");

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
