// Initials in the place of pictures. Run by `node --test e2e/page`; it needs no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { drawAvatars } from "../../static/js/chat/people/avatars.js";

test("somebody has the same initials beside a message as in the list, letters and digits where there are any, and is named once", () => {
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
  const cases = {
    "Bob Baker": "BB", "Maximiliane von und zu Hohenstein": "MV", dave: "D", "محمد عبد الرحمن": "مع",
    "Eve 🌻": "E", "🌻 Eve 🌷 Evans": "EE", "🌻eve": "E", "(dave) 2nd": "D2", "🌻🌷": "🌻", " ": "?",
  };
  for (const [name, initials] of Object.entries(cases)) { // app/text_test.go has the same
    assert.equal(avatar.getInitials(name), initials);
  }
});
