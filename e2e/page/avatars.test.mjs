// Initials in the place of pictures. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { drawAvatars } from "../../static/js/chat/avatars.js";

test("somebody has the same initials beside a message as in the list, whole characters, and is named once", () => {
  class Avatar {
    initialize() {}
    getInitials() {
      return "Converse's";
    }
  }
  let Made;
  drawAvatars({ api: { elements: { registry: { "converse-avatar": Avatar }, define: (name, type) => (Made = type) } } });
  const avatar = new Made();
  avatar.initialize();
  assert.equal(avatar.ariaHidden, "true");
  for (const [name, initials] of [["Bob Baker", "BB"], ["Maximiliane von und zu Hohenstein", "MV"], ["🌻🌷", "🌻"], ["dave", "D"], ["محمد عبد الرحمن", "مع"]]) {
    assert.equal(avatar.getInitials(name), initials);
  }
});
