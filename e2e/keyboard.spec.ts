// The chat by keyboard alone.

import { expect, test } from "./support/test.ts";

// what is typed goes to the person who was chosen.
test("a person is written to from the keyboard, and Escape closes the chat", async ({ alice, bob }) => {
  const { page } = alice;
  await bob.talkTo("alice");
  await alice.messageButton("bob").focus();
  await page.keyboard.press("Enter");
  await page.keyboard.type("typed at once"); // before the conversation is there
  await page.keyboard.press("Enter");
  await bob.hears("typed at once");
  await expect(alice.input()).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(page.locator("#chat")).toBeHidden();
  await expect(alice.messageButton("bob")).toBeFocused();

  await page.getByRole("button", { name: "Chat", exact: true }).click();
  await expect(alice.input()).toBeFocused();
  await page.keyboard.type("and again");
  await page.keyboard.press("Enter");
  await bob.hears("and again");
});
