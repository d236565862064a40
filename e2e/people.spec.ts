// People are shown by name and picture; nobody meets an address or a word of the
// protocol, wherever they click.

import type { Locator } from "@playwright/test";
import { chooseAbove } from "./support/rooms.ts";
import { expect, joinRoom, makeRoom, names, type Person, test } from "./support/test.ts";

/** Everything that the chat says, what shows on hovering and what is read aloud included. */
async function expectPlain(person: Person): Promise<void> {
  const said = await person.page.locator("#chat").evaluate((chat: HTMLElement) => {
    const attributes = ["title", "aria-label", "placeholder", "alt"];
    const hidden = [...chat.querySelectorAll("*")].flatMap((element) => attributes.map((name) => element.getAttribute(name) ?? ""));
    return [chat.innerText, ...hidden].join("\n");
  });
  expect(said).not.toMatch(/@|\bXMPP\b|\bJIDs?\b|affiliation|occupant|\bhats?\b|nickname|groupchat|\bMUC\b/i);
}

/** Opens a dialog, looks at it, and closes it with Escape. */
async function lookAt(person: Person, open: Locator, title: string | RegExp): Promise<void> {
  await open.click();
  const dialog = person.page.locator("#chat .modal.show");
  await expect(dialog.locator(".modal-title")).toHaveText(title);
  await expectPlain(person);
  await person.page.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);
}

//
test.describe("dialogs", () => {
  test.use({ contextOptions: { viewport: { width: 1440, height: 900 } } });

  test("of a conversation", async ({ alice, bob }) => {
    await bob.talkTo("alice");
    await alice.page.goto("/chat");
    await alice.ready();
    await alice.talkTo("bob");
    await alice.say("hello");
    await bob.say("hello, Alice");
    await alice.hears("hello, Alice");
    const author = alice.page.locator("#chat .chat-msg__author a");
    await lookAt(alice, author.filter({ hasText: names.bob }), names.bob);
    await lookAt(alice, author.filter({ hasText: names.alice }), "You");
    await lookAt(alice, alice.page.locator("#chat .chat-msg .show-msg-author-modal converse-avatar").last(), names.bob);
    await lookAt(alice, alice.page.locator("#chat converse-chat .chat-head .show-msg-author-modal").first(), names.bob);
    await expectPlain(bob);
  });

  test("of a room, for those who look after it and for others", async ({ alice, bob }) => {
    await makeRoom(alice, "Book club");
    await joinRoom(bob, "Book club");
    for (const person of [alice, bob]) {
      await person.page.goto("/chat");
      await person.ready();
      await expect(person.room("Book club")).toBeVisible();
    }
    await alice.say("Welcome");
    await bob.say("Thanks");
    await alice.hears("Thanks");
    for (const [person, other] of [[alice, names.bob], [bob, names.alice]] as const) {
      await expectPlain(person);
      await lookAt(person, person.page.locator("#chat .chat-msg__author a").filter({ hasText: other }), other);
      await lookAt(person, person.page.locator("#chat .chat-msg__author a").filter({ hasText: person.name }), "You");
      await lookAt(person, person.page.locator("#chat .occupant-nick").filter({ hasText: other }), other);
      await lookAt(person, person.page.locator("#chat .occupant-nick").filter({ hasText: person.name }), "You");
      const menu = person.page.locator("#chat .chat-head converse-dropdown");
      await menu.locator(".dropdown-toggle").click();
      await expectPlain(person);
      await menu.locator(".dropdown-toggle").click();
    }

    await chooseAbove(alice, "Manage people");
    const dialog = alice.page.locator("#chat .modal.show");
    await expect(dialog.locator(".modal-title")).toHaveText("People of “Book club”");
    await expectPlain(alice);
    await dialog.getByRole("button", { name: names.bob }).click();
    await expect(dialog.locator(".modal-title")).toHaveText(names.bob);
    await dialog.getByLabel("In this room").selectOption("Kept out");
    await expect(bob.page.getByText("You have been banned from this room")).toBeVisible();
    await expectPlain(bob);

    await expect(dialog).toHaveCount(0);
    await chooseAbove(alice, "Manage people");
    await expect(dialog.getByRole("button", { name: `${names.bob} Let them in again` })).toBeVisible();
    await expectPlain(alice);
    await dialog.getByRole("button", { name: `${names.bob} Let them in again` }).click();
    await expect(dialog.getByText("Let them in again")).toHaveCount(0);
    await alice.page.keyboard.press("Escape");
    await chooseAbove(alice, "Settings");
    await expect(dialog).toBeVisible();
    await expect(dialog.locator("form input:not([type=hidden])").first()).toBeVisible();
    await expectPlain(alice);
  });
});
