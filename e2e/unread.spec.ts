// What is unread stays so, everywhere, until its conversation was in sight.

import { Client } from "./support/client.ts";
import { enterRoom, expect, makeRoom, names, type Person, screens, test } from "./support/test.ts";

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

/** Notes what the icon of the installed app would show. Chromium has it, and no icon of an app in a test. */
async function showBadges(person: Person): Promise<void> {
  await person.context.addInitScript(() => {
    const show = (count: number | string) => (document.documentElement.dataset["badge"] = String(count));
    Object.assign(Navigator.prototype, { setAppBadge: async (count: number) => void show(count), clearAppBadge: async () => void show("none") });
  });
}

const expectBadge = (person: Person, badge: string) => expect(person.page.locator("html")).toHaveAttribute("data-badge", badge);

// a conversation that is open in a closed panel is not in sight.
test("a message to a closed panel is unread on every page, until it is seen", async ({ visit, site }) => {
  const alice = await visit("alice");
  await showBadges(alice);
  await alice.signIn();
  await expectBadge(alice, "none");
  const bob = await Client.signIn(site, "bob");
  await alice.talkTo("bob");
  await alice.page.getByRole("button", { name: "Close the chat" }).click();
  await bob.say("one");
  await expectUnread(alice, 1);
  await expectBadge(alice, "1");
  await alice.goTo("Settings");
  await bob.say("two");
  await expectUnread(alice, 2);

  await test.step("on a phone, too", async () => {
    await alice.page.setViewportSize(screens.phone);
    await expectUnread(alice, 2);
    await alice.page.reload();
    await expectUnread(alice, 2);
    await expectBadge(alice, "2");
    await expect(inList(alice)).toHaveText("2");
    await bob.say("three");
    await expectUnread(alice, 3);
    await alice.goTo("Home");
    await expectUnread(alice, 3);
    await alice.page.locator("#chat-toggle").click();
    await alice.hears("three");
    await expect(alice.message("three")).toBeVisible();
    await expect(alice.page).toHaveTitle(/^[^(]/);
    await expect(inList(alice)).toHaveCount(0);
    await expectBadge(alice, "none");
    await alice.page.setViewportSize(screens.wide);
    await alice.page.reload();
    await alice.ready();
    await expectUnread(alice, 0);
  });

  await test.step("so is what is said in a room", async () => {
    await makeRoom(alice, "Book club");
    const room = (await alice.listed("Book club").getAttribute("data-jid")) as `${string}@${string}`;
    await bob.enter(room);
    await alice.page.getByRole("button", { name: "Close the chat" }).click();
    await bob.say("Anybody there?", room);
    await bob.say(`${names.alice}?`, room);
    await expectUnread(alice, 2);
    await alice.goTo("Settings");
    await expectUnread(alice, 2);
    await alice.goTo("Home");
    await enterRoom(alice, "Book club");
    await alice.hears("Anybody there?");
    await expect(alice.page).toHaveTitle(/^[^(]/);
  });
});

// What is edited is nothing new, and what is deleted is nothing to be read; what was said last stays the last line,
// whatever becomes of what was said before.
test("what others edit is not unread once more, and what they delete is not unread", async ({ visit, site }) => {
  const alice = await visit("alice");
  await alice.signIn();
  const bob = await Client.signIn(site, "bob");
  await bob.say("zero");
  await alice.page.goto("/chat/with/bob");
  await alice.hears("zero");
  await alice.goTo("Settings"); // where the panel is closed
  for (const text of ["one", "two", "three"]) await bob.say(text);
  await expectUnread(alice, 3);
  const line = alice.listed(names.bob).locator(".conversation-line");
  await bob.edit(4, "the third");
  await expect(line).toHaveText("the third");
  await expectUnread(alice, 3);
  await bob.delete(2);
  await expectUnread(alice, 2);
  await bob.delete(1); // which was read
  await bob.edit(3, "the second");
  await bob.say("four");
  await expectUnread(alice, 3);
  await bob.delete(9);
  await expectUnread(alice, 2);
  await expect(line).toHaveText("Deleted message");
  await bob.say("five");
  await bob.delete(3);
  await expectUnread(alice, 2);

  await test.step("the site says the same, to this browser and to another", async () => {
    await alice.page.reload();
    await expectUnread(alice, 2);
    await expect(line).toHaveText("five");
    const other = await visit("alice");
    await other.signIn();
    await expectUnread(other, 2);
    await expect(other.listed(names.bob).locator(".conversation-line")).toHaveText("five");
    await bob.delete(4); // of which that browser knows only that it is there
    await expectUnread(other, 1);
    await expectUnread(alice, 1);
  });
});

// Everything that came meanwhile is below the line, whether it was kept for them or
// comes from the archive; and nothing that was read or answered on another device.
test("a line stands before the first message that is new", async ({ site, visit }) => {
  const bob = await Client.signIn(site, "bob");
  for (const text of ["one", "two", "three"]) await bob.say(text);
  const alice = await visit("alice");
  await alice.signIn();
  await alice.page.goto("/chat/with/bob");
  await alice.hears("three");
  const line = alice.page.locator("#chat converse-chat .message.separator:not(.date-separator)");
  const next = line.locator("xpath=following::*[contains(@class, 'chat-msg__text')][1]");
  await expect(line).toHaveText("New messages");
  await expect(next).toHaveText("one");

  await alice.say("four");
  await expect.poll(() => bob.heard).toEqual(["four"]);
  await alice.goTo("Settings"); // where the panel is closed, as it was
  await bob.say("five");
  await expectUnread(alice, 1);
  const other = await visit("alice");
  await other.signIn();
  await other.page.goto("/chat/with/bob");
  await other.hears("five");
  const there = other.page.locator("#chat converse-chat .message.separator:not(.date-separator)");
  await expect(there.locator("xpath=following::*[contains(@class, 'chat-msg__text')][1]")).toHaveText("five");
});
