// Blocking (XEP-0191): who is blocked does not get through and is not told by
// whom; who blocks finds the way back.

import { confirm } from "./support/messages.ts";
import { card, chooseAbove } from "./support/rooms.ts";
import { expect, test } from "./support/test.ts";

test("bob blocks carol, and has her back", async ({ bob, visit, database }) => {
  const carol = await visit("carol");
  await carol.signIn();
  await expect(carol.around("bob")).toHaveText("Around");
  await carol.talkTo("bob");
  await carol.say("Hello Bob");
  await bob.talkTo("carol");
  await bob.hears("Hello Bob");

  await test.step("blocked", async () => {
    await chooseAbove(bob, "Block");
    await expect(bob.page.locator(".modal.show")).toContainText("Carol Costa");
    await confirm(bob);
    await expect(carol.around("bob")).toHaveText("Away"); // looks as if he left
    await expect(carol.page.locator("#chat converse-chat .head-names")).not.toContainText("Around");
    await carol.type("Are you there?");
    await expect(carol.failed("Are you there?").first()).toBeVisible();
    await expect(carol.failed("Are you there?").first()).toContainText(/^\s*Not sent\.\s+It could not be delivered\.\s*$/);
  });

  await test.step("still blocked after a reload, and the conversation is there", async () => {
    await bob.page.reload();
    await bob.ready();
    await bob.messageButton("carol").click();
    await bob.hears("Hello Bob");
    await expect(bob.page.locator("#chat converse-chat .head-state")).toHaveText("Blocked");
    await bob.page.locator("#chat converse-chat .head-name").click();
    await expect(card(bob)).toContainText("Blocked");
    await expect(card(bob).getByRole("button", { name: "Unblock" })).toBeVisible();
    await expect(card(bob).getByRole("link", { name: "Message" })).toHaveCount(0);
    await bob.page.keyboard.press("Escape");
    await expect(bob.page.getByText("You blocked Carol Costa.")).toBeVisible();
    await expect(bob.input()).toBeHidden();
    await expect(bob.message("Are you there?")).toHaveCount(0);
    expect(await database.archived("bob")).toEqual(["Hello Bob"]);
    // As from a device that has not heard of the block yet.
    await bob.page.locator("#chat converse-chat .chat-message-form").evaluate((form: HTMLElement) => (form.hidden = false));
    await bob.type("Nor may I");
    await expect(bob.failed("Nor may I").first()).toContainText("You block this person.");
    await expect(carol.message("Nor may I")).toHaveCount(0);
  });

  await test.step("unblocked", async () => {
    await chooseAbove(bob, "Unblock");
    await confirm(bob);
    await expect(bob.input()).toBeVisible();
    await expect(carol.around("bob")).toHaveText("Around");
    await expect(bob.page.locator("#chat converse-chat .head-state")).not.toHaveText("Blocked");
    await carol.say("Thank you");
    await bob.hears("Thank you");
    await bob.say("Welcome back");
    await carol.hears("Welcome back");
    expect(await database.archived("bob")).toEqual(["Hello Bob", "Thank you", "Welcome back"]);
  });
});
