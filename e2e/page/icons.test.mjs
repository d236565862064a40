// Icons. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { paintIcons } from "../../static/js/chat/icons.js";
import { converseText } from "./converse.mjs";

test("an icon has a colour of its own only where it is given one", async () => {
  /** Has the browser compute all styles, as Converse does. */
  class Icon {
    getStyles() {
      throw new Error("styles were computed");
    }
  }
  globalThis.customElements = { whenDefined: async () => Icon };
  await paintIcons();
  const styles = (attributes) => Object.assign(new Icon(), { css: "" }, attributes).getStyles().trim();
  assert.equal(styles({ size: "1em" }), "width: 1em; height: 1em;");
  assert.equal(styles({ color: "red" }), "fill: red;");
});

test("the arrow of an answer is whole in its frame", async () => {
  const [, frame, path] = /id="icon-reply" viewBox="([^"]+)">\s*<path d="([^"]+)"/.exec(await converseText());
  const [left, top, width, height] = frame.split(" ").map(Number);
  const numbers = path.match(/[\d.]+/g).map(Number); // each command of it says where, and not how far
  assert.match(path, /^[MCLz\d. ]+$/);
  for (const [i, at] of numbers.entries()) {
    const [begin, size] = i % 2 ? [top, height] : [left, width];
    assert.ok(begin <= at && at <= begin + size, `${at} is not within ${frame}`);
  }
});
