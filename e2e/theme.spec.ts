// Everything that the chat shows now and then can be read, in both themes.

import { AxeBuilder } from "@axe-core/playwright";
import { moderate } from "./support/rooms.ts";
import { send } from "./support/stream.ts";
import { expect, inBothThemes, joinRoom, makeRoom, names, type Person, test } from "./support/test.ts";

/** What in the chat has too little contrast (WCAG 1.4.3), in either theme. */
async function expectReadable(person: Person): Promise<void> {
  await inBothThemes(person.page, async (theme) => {
    const { violations } = await new AxeBuilder({ page: person.page }).include("#chat").withRules(["color-contrast"]).analyze();
    const found = violations.flatMap(({ nodes }) => nodes.map((node) => `${node.target.join(" ")}: ${node.any[0]?.message}`));
    expect(found, theme).toEqual([]);
  });
}

//
test("what comes and goes in a room", async ({ alice, bob }) => {
  test.setTimeout(600_000);
  const { page } = alice;
  await page.emulateMedia({ reducedMotion: "reduce" });
  await makeRoom(alice, "Book club");
  await joinRoom(bob, "Book club");
  const room = await bob.page.getByRole("button", { name: "Open Book club" }).getAttribute("data-room");
  await send(bob, [
    `<presence xmlns="jabber:client" to="${room}/Bob Baker"><x xmlns="http://jabber.org/protocol/muc"/></presence>`,
    ...Array.from({ length: 6 }, (_, i) => `<message xmlns="jabber:client" to="${room}" type="groupchat" id="line-${i}"><body>${"and more&#10;".repeat(6)}line ${i}.</body></message>`),
  ]);
  await alice.hears("line 5.");
  await page.locator("#chat converse-chat-message").last().hover();

  await test.step("unread messages below", async () => {
    const bar = page.getByRole("button", { name: "New messages" });
    await expect(async () => {
      await page.mouse.wheel(0, -600);
      await bob.say(`Did you see https://example.org/${Date.now()}?`); // Converse notices a moment later that somebody scrolled
      await expect(bar).toBeVisible({ timeout: 2000 });
    }).toPass();
    await expectReadable(alice);
    await bar.focus();
    await page.keyboard.press("Enter");
    await expect(bar).toHaveCount(0);
    await expectReadable(alice);
  });
  await test.step("the menu", async () => {
    const toggle = page.locator("#chat .chat-head converse-dropdown .dropdown-toggle");
    await toggle.click();
    await expectReadable(alice);
    await toggle.click();
  });
  await test.step("suggestions", async () => {
    await alice.input().pressSequentially("@B");
    await expect(page.locator("#chat .suggestion-box__results li").first()).toBeVisible();
    await expectReadable(alice);
    await page.keyboard.press("Escape");
    await alice.input().fill("");
  });
  await test.step("emoji", async () => {
    await page.locator("#chat .toggle-emojis").click();
    await expect(page.locator("#chat .insert-emoji").first()).toBeVisible();
    await expectReadable(alice);
    await page.keyboard.press("Escape");
  });
  await test.step("what cannot be done", async () => {
    await page.locator("#chat converse-muc").evaluate((room) => {
      const { model } = room as unknown as { model: { createMessage(what: object): void } };
      model.createMessage({ message: "The room did not take your new name.", type: "error" }); // as it rarely says (roomEntry.js)
    });
    await expect(page.locator("#chat .chat-error").last()).toBeVisible();
    await expectReadable(alice);
  });
  await test.step("questions and dialogs", async () => {
    for (const entry of ["Leave", "Delete the room"]) {
      await page.locator("#chat .chat-head converse-dropdown .dropdown-toggle").click();
      await page.locator("#chat .chat-head .dropdown-item").filter({ hasText: entry }).click();
      const dialog = page.locator("#chat .modal.show");
      await expect(dialog).toBeVisible();
      await expect(dialog.locator("input, button").last()).toBeVisible();
      await expectReadable(alice);
      await page.keyboard.press("Escape");
      await expect(dialog).toHaveCount(0);
    }
  });
  await test.step("what is not sent yet", async () => {
    alice.watch.allowOutage();
    alice.watch.allow(/ERR_INTERNET_DISCONNECTED/);
    await alice.context.setOffline(true);
    await alice.say("offline");
    await expect(page.locator("#chat .chat-msg--unsent")).toBeVisible();
    await expectReadable(alice);
    await alice.context.setOffline(false);
    await expect(page.locator("#chat .chat-msg--unsent")).toHaveCount(0);
  });
  await test.step("a room that one is out of", async () => {
    await page.getByRole("button", { name: "Members", exact: true }).click();
    await moderate(alice, names.bob, "Remove from the room", `Remove ${names.bob} from the room?`);
    await expect(bob.page.getByText("You have been removed from this room")).toBeVisible();
    await expectReadable(bob);
  });
});
