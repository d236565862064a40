// Icons. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { paintIcons } from "../../static/js/chat/icons.js";

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
