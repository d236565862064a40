// Converse itself, started without a browser and signed in nowhere: its models, its interface and
// the classes of its elements are there, and nothing is drawn.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { usedOfConverse } from "../../scripts/converse.mjs";

/** What this site has of Converse, as it is read by browsers. */
export const converseText = () => usedOfConverse(fileURLToPath(new URL("../../node_modules/converse.js/dist/converse.js", import.meta.url)), []);

/** Something that has everything, each of it the same as the first time, and does nothing. */
function anything(own = {}) {
  const get = (target, name) => {
    if (name === Symbol.toPrimitive) return () => "";
    if (name === Symbol.iterator) return function* () {};
    if (name === "then") return undefined; // nobody waits for it
    return name in target ? target[name] : (target[name] = anything());
  };
  return new Proxy(Object.assign(function () {}, own), { get, apply: () => anything(), construct: () => anything() });
}

/** A window in which Converse can be read. */
function makeWindow() {
  class HTMLElement extends EventTarget {}
  const storage = { getItem: () => null, setItem() {}, removeItem() {}, key: () => null, length: 0 };
  const nothing = () => {};
  const defined = new Map();
  Object.assign(globalThis, {
    window: globalThis,
    self: globalThis,
    document: anything({ nodeType: 9, documentElement: anything() }), // a document, as its libraries ask
    HTMLElement,
    Element: HTMLElement,
    Node: class {},
    WebSocket: class {},
    customElements: { define: (name, type) => defined.set(name, type), get: (name) => defined.get(name) },
    location: new URL("http://localhost/"),
    sessionStorage: storage,
    localStorage: storage,
    addEventListener: nothing,
    removeEventListener: nothing,
    dispatchEvent: nothing,
  });
  Object.defineProperty(globalThis, "navigator", { value: { userAgent: "", language: "en", onLine: true }, configurable: true });
}

/**
 * Starts it; once in a process, before any script of the page is imported.
 * @param {string} text of it
 * @param {string[]} leftOut plugins of which nothing is there
 */
export async function startConverse(text, leftOut) {
  makeWindow();
  const directory = await mkdtemp(join(tmpdir(), "foyer-converse-"));
  try {
    await writeFile(join(directory, "converse.mjs"), text);
    await import(join(directory, "converse.mjs"));
  } finally {
    await rm(directory, { recursive: true });
  }
  const { converse } = /** @type {any} */ (globalThis);
  for (const name of leftOut) converse.plugins.add(name, {});
  return new Promise((resolve, reject) => {
    // Others have begun by then.
    const initialize = function () {
      resolve(this._converse);
    };
    converse.plugins.add("foyer", { initialize });
    const settings = { whitelisted_plugins: ["foyer"], authentication: "login", auto_login: false, jid: "alice@localhost", discover_connection_methods: false, view_mode: "embedded", i18n: "en", persistent_store: "none", loglevel: "fatal" };
    converse.initialize({ ...settings, bosh_service_url: "http://localhost/http-bind" }).catch(reject);
  });
}
