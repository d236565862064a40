// A part of the chat that does not come. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { register } from "node:module";
import { test } from "node:test";
import "./support.mjs";

/** A browser that does not ask again for a module that failed, as Firefox. */
const hook = "export const load = (address, context, next) => { if (address.endsWith('/metadata.js')) throw new Error('gone'); return next(address, context); };";
register(`data:text/javascript,${encodeURIComponent(hook)}`);
const notice = { hidden: true, said: "", append() {}, replaceChildren: (said) => void (notice.said = said) };
globalThis.document = /** @type {any} */ (Object.assign(new EventTarget(), { getElementById: () => notice, createElement: () => ({ dataset: {} }) }));
Object.assign(globalThis, { location: { pathname: "/chat", search: "" }, window: new EventTarget() });
Object.defineProperty(globalThis, "navigator", { value: { onLine: true }, configurable: true });
const { upload } = await import("../../static/js/chat/composer/upload.js");

test("where what takes out of a photo what is not for others does not come, that is said, and the next try asks for it anew", async (t) => {
  t.mock.method(console, "warn", () => {});
  const prepared = [];
  const api = {
    listen: { once() {} },
    connection: { connected: () => true },
    disco: { features: { get: async () => [{ id: "upload.h", dataforms: { models: [] } }] } },
    hook: (_name, _chat, file) => {
      prepared.push(file.name);
      throw new Error("far enough");
    },
  };
  const photo = new File([new Uint8Array([0xff, 0xd8])], "tree.jpg", { type: "image/jpeg" });
  const send = () => upload(/** @type {any} */ ({ api, session: { get: () => "h" } }), /** @type {any} */ ({}), photo, () => {}, AbortSignal.timeout(60_000));
  t.mock.timers.enable({ apis: ["setTimeout"] });
  await assert.rejects(send(), /The file could not be sent/);
  assert.deepEqual(prepared, []);
  assert.match(notice.said, /reload the page/);
  await assert.rejects(send(), /far enough/);
  assert.deepEqual([prepared, notice.said, notice.hidden], [["tree.jpg"], "", true]);
});
