// The question that is asked before a page goes while files wait in it: whoever else is signed in, or nobody, is to see
// nothing of the person whose page it was, so it is asked no more. Run by `node --test e2e/page`; it needs no browser.
// Each way by which a page ends is tried in a thread of its own, as a page of its own.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { listeners, Model, settle } from "./support.mjs";

const element = () => ({ dataset: {}, append() {}, replaceChildren() {}, toggleAttribute() {} });

/** Ways by which a page ends; each resolves once it has. */
const ways = {
  async "a page of somebody else comes"() {
    const { keepChatAcrossPages } = await import("../../static/js/pages.js");
    keepChatAcrossPages();
    const come = Object.assign(new Event("turbo:before-render"), { detail: /** @type {any} */ ({}) });
    document.dispatchEvent(come);
    const page = (user) => ({ dataset: { user }, hasAttribute: () => false });
    await come.detail.render(page("alice"), page("bob"));
  },
  "somebody else is signed in": () => ask(200, { user: "bob" }),
  "nobody is signed in": () => ask(401, {}),
};

/** A page that lost its stream asks who is signed in. */
async function ask(status, body) {
  const { LoginGuard } = await import("../../static/js/chat/signin/loginGuard.js");
  globalThis.fetch = async () => /** @type {any} */ ({ status, ok: status === 200, json: async () => body });
  const guard = new LoginGuard(/** @type {any} */ ({ user: "alice", meURL: "/xmpp/me", trusted: true }));
  Object.assign(guard, { worked: true, pause: async () => {} });
  void guard.awaitTurn({}, false);
  await settle();
}

/** What is asked before a page goes, as it is reloaded and when it has ended in one of the ways. */
async function end(way) {
  globalThis.document = Object.assign(new EventTarget(), { body: { dataset: {} }, getElementById: element, createElement: element });
  globalThis.window = Object.assign(new EventTarget(), { converse: { env: {} } });
  globalThis.sessionStorage = { getItem: () => null, setItem() {}, removeItem() {} };
  globalThis.addEventListener = () => {};
  globalThis.CustomEvent ??= class extends Event {};
  Object.defineProperty(globalThis, "navigator", { value: { onLine: true } });
  const { resumeOnReconnect, Queue } = await import("../../static/js/chat/composer/queue.js");
  const { listen } = listeners();
  const _converse = { api: { listen, connection: { connected: () => true } } };
  resumeOnReconnect(_converse);
  new Queue(_converse, Object.assign(new Model(), { collection: {} })).choose([new File(["twelve bytes"], "plan.pdf")]);
  const isAsked = () => !window.dispatchEvent(new Event("beforeunload", { cancelable: true }));
  const asked = [isAsked()];
  globalThis.location = window.location = { reload: () => asked.push(isAsked()) };
  await ways[way]();
  return [...asked, isAsked()];
}

if (isMainThread) {
  for (const way of Object.keys(ways)) {
    test(`nobody is asked whether they stay on the page once ${way}`, async () => {
      const worker = new Worker(new URL(import.meta.url), { workerData: way });
      const [asked] = await once(worker, "message");
      await worker.terminate();
      assert.deepEqual(asked, way === "nobody is signed in" ? [true, false] : [true, false, false]);
    });
  }
} else parentPort?.postMessage(await end(workerData));
