// What is behind the links of messages, asked of the site. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { onClock, pass } from "./support.mjs";

globalThis.location = /** @type {any} */ ({ host: "chat.example.org", protocol: "https:" });
globalThis.window = /** @type {any} */ ({ converse: { env: { html: () => "" } }, addEventListener() {}, matchMedia: () => ({ matches: false, addEventListener() {} }) });
globalThis.document = /** @type {any} */ ({ documentElement: { lang: "en" }, addEventListener() {}, hidden: false });
const { withPreviews } = await import("../../static/js/chat/messages/previews.js");

test("what the site does not know now is asked for another time, and what has no preview is not", async (t) => {
  onClock(t);
  const asked = [];
  let later = ["https://a.example/"];
  t.mock.method(globalThis, "fetch", async (_, { body }) => {
    asked.push(JSON.parse(body).links.join(" "));
    return { ok: true, json: async () => ({ previews: {}, later }) };
  });
  const config = /** @type {any} */ ({ previews: true, fileHosts: [] });
  const Message = withPreviews(config, class {});
  const draw = async (link) => {
    new Message().loadPreview(link);
    await pass(t, 200);
  };
  draw("https://a.example/");
  await draw("https://b.example/");
  later = [];
  draw("https://a.example/");
  await draw("https://b.example/");
  await draw("https://a.example/");
  assert.deepEqual(asked, ["https://a.example/ https://b.example/", "https://a.example/"]);
});
