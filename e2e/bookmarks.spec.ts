// Bookmarks: the rooms somebody is in are there on every device (S-73).

import { expect, makeRoom, test } from "./support/test.ts";

test("a room is there on another device", async ({ alice, visit, database }) => {
  await makeRoom(alice, "Book club");
  await expect
    .poll(() => database.query("SELECT username, convert_from(payload, 'UTF8') LIKE '%autojoin=\"true\"%' AS autojoin FROM pubsub_items WHERE node = 'urn:xmpp:bookmarks:1' AND id LIKE 'book-club-%'"))
    .toEqual([{ username: "alice", autojoin: true }]);
  await alice.say("Who has read it?");

  const laptop = await visit("alice");
  await laptop.signIn();
  await expect(laptop.page.locator("#chat").getByText("Book club").first()).toBeAttached();
});
