// What is unread stays so, everywhere, until its conversation was in sight.

import { enterRoom, expect, joinRoom, makeRoom, names, type Person, test } from "./support/test.ts";

/** The number on everything that shows one, outside the chat; "" for none. */
async function expectUnread(person: Person, count: number): Promise<void> {
  const label = count === 1 ? "1 unread message" : `${count} unread messages`;
  const { page } = person;
  await expect(page).toHaveTitle(count ? new RegExp(`^\\(${count}\\) `) : /^[^(]/);
  const header = page.getByRole("banner").getByLabel(label);
  const toggle = page.locator("#chat-toggle").getByLabel(label);
  if (count) {
    await expect(header).toBeVisible();
    // On a phone it would lie on the settings.
    const floats = await page.evaluate(() => document.body.dataset.page !== "settings" || innerWidth > 700);
    await expect(toggle).toBeVisible({ visible: floats });
  } else await expect(page.locator("[data-unread]:visible")).toHaveCount(0);
}

/** The number in the chat's list of people. */
const inList = (person: Person) => person.page.locator("#conversations .conversation-unread");

// a conversation that is open in a closed panel is not in sight.
for (const [screen, viewport] of Object.entries({ phone: { width: 390, height: 844 }, wide: { width: 1440, height: 900 } })) {
  test.describe(screen, () => {
    test.use({ contextOptions: { viewport } });

    test("a message to a closed panel is unread on every page, until it is seen", async ({ alice, bob }) => {
      await bob.talkTo("alice");
      await alice.talkTo("bob");
      await alice.page.getByRole("button", { name: "Close the chat" }).click();
      await bob.say("one");
      await expectUnread(alice, 1);
      await alice.goTo("Settings");
      await bob.say("two");
      await expectUnread(alice, 2);
      await alice.page.reload();
      await expectUnread(alice, 2);
      await expect(inList(alice)).toHaveText("2");
      await bob.say("three");
      await expectUnread(alice, 3);

      await alice.goTo("Home");
      await alice.page.locator("#chat-toggle").click();
      await alice.hears("three");
      await expect(alice.message("three")).toBeVisible();
      await expect(alice.page).toHaveTitle(/^[^(]/);
      await expect(inList(alice)).toHaveCount(0);
      await alice.page.reload();
      await alice.ready();
      await expectUnread(alice, 0);
    });
  });
}

test("so is what is said in a room", async ({ alice, bob }) => {
  await makeRoom(alice, "Book club");
  await joinRoom(bob, "Book club");
  await alice.page.getByRole("button", { name: "Close the chat" }).click();
  await bob.say("Anybody there?");
  await bob.say(`${names.alice}?`);
  await expectUnread(alice, 2);
  await alice.goTo("Settings");
  await expectUnread(alice, 2);
  await alice.goTo("Home");
  await enterRoom(alice, "Book club");
  await alice.hears("Anybody there?");
  await expect(alice.page).toHaveTitle(/^[^(]/);
});

// Everything that came meanwhile is below the line, whether it was kept for them or
// comes from the archive; and nothing that was read or answered on another device.
test("a line stands before the first message that is new", async ({ bob, visit }) => {
  await bob.page.goto("/chat/with/alice");
  for (const text of ["one", "two", "three"]) {
    await bob.say(text);
    await expect(bob.message(text)).toBeVisible();
  }
  const alice = await visit("alice");
  await alice.signIn();
  await alice.page.goto("/chat/with/bob");
  await alice.hears("three");
  const line = alice.page.locator("#chat converse-chat .message.separator:not(.date-separator)");
  const next = line.locator("xpath=following::*[contains(@class, 'chat-msg__text')][1]");
  await expect(line).toHaveText("New messages");
  await expect(next).toHaveText("one");

  await alice.say("four");
  await bob.hears("four");
  await alice.goTo("Settings");
  await alice.page.getByRole("button", { name: "Close the chat" }).click();
  await bob.say("five");
  await expectUnread(alice, 1);
  const other = await visit("alice");
  await other.signIn();
  await other.page.goto("/chat/with/bob");
  await other.hears("five");
  const there = other.page.locator("#chat converse-chat .message.separator:not(.date-separator)");
  await expect(there.locator("xpath=following::*[contains(@class, 'chat-msg__text')][1]")).toHaveText("five");
});

test("the icon of the installed app says how many", async ({ bob, visit }) => {
  const alice = await visit("alice");
  // What the system would show. Chromium has it, and no icon of an app in a test.
  await alice.context.addInitScript(() => {
    const show = (count: number | string) => (document.documentElement.dataset["badge"] = String(count));
    Object.assign(Navigator.prototype, { setAppBadge: async (count: number) => void show(count), clearAppBadge: async () => void show("none") });
  });
  const root = alice.page.locator("html");
  await alice.signIn();
  await expect(root).toHaveAttribute("data-badge", "none");
  await bob.talkTo("alice");
  await bob.say("one");
  await expect(root).toHaveAttribute("data-badge", "1");
  await bob.say("two");
  await expect(root).toHaveAttribute("data-badge", "2");
  await alice.page.reload();
  await expect(root).toHaveAttribute("data-badge", "2");
  await alice.talkTo("bob");
  await alice.hears("two");
  await expect(root).toHaveAttribute("data-badge", "none");
});
