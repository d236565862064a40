// What people write, however it came into the composer.

import { choose } from "./support/messages.ts";
import { chooseAbove } from "./support/rooms.ts";
import { expect, joinRoom, makeRoom, test } from "./support/test.ts";

// characters that XML forbids are left out; a document's line break is one.
const pasted = "from a document\u000Bnext line\u0007\uFFFE end";
const sent = "from a document\nnext line end";

test("text from a document is sent, corrected and set as a topic", async ({ alice, bob, database }) => {
  await alice.talkTo("bob");
  await bob.talkTo("alice");
  await alice.type(pasted);
  await alice.hears("next line");
  await bob.hears("next line");
  await expect(alice.input()).toHaveValue("");
  await choose(alice, "next line", "Edit");
  await alice.type(`${pasted}!`);
  await bob.hears("end!");
  expect(await database.archived("bob")).toEqual([sent, `${sent}!`]);

  await alice.page.goto("/");
  await alice.ready();
  await makeRoom(alice, "Book club");
  await joinRoom(bob, "Book club");
  await alice.type(pasted);
  await bob.hears("next line");
  await alice.type(`/topic ${pasted}`);
  await expect(bob.page.locator("#chat .chat-head__desc")).toContainText("next line");
  await chooseAbove(alice, "Hide topic");
});
