// How large something is, in words. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import "./support.mjs";

globalThis.document ??= { documentElement: { lang: "en" } };
const { formatBytes } = await import("../../static/js/chat/size.js");

test("sizes are written as on the pages", () => {
  assert.deepEqual([0, 1, 100, 2000, 1_500_000].map(formatBytes), ["0 bytes", "1 byte", "100 bytes", "2 kB", "1.5 MB"]);
});
