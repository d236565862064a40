// The panel of a room and people's cards: what they show, what is done there in plain
// words, by mouse and by keyboard, on a phone as on a desk, and how they look.

import { AxeBuilder } from "@axe-core/playwright";
import { foreignLooks } from "./support/colours.ts";
import { bubble, choose, correct } from "./support/messages.ts";
import { card, chooseAbove, describe, member, moderate, panel, question } from "./support/rooms.ts";
import { clearStorage } from "./support/storage.ts";
import { send } from "./support/stream.ts";
import { enterRoom, expect, inBothThemes, joinRoom, makeRoom, names, type Person, screens, test } from "./support/test.ts";

test.use({ contextOptions: { reducedMotion: "reduce" } });

/** Resolves with the text of the message that is marked, which is so for a moment: to be awaited from before that. */
async function marked({ page }: Person): Promise<string> {
  const text = await page.waitForFunction(() => document.querySelector("converse-chat-message[data-found]")?.textContent, undefined, { timeout: 60_000 });
  return (await text.jsonValue()) ?? "";
}

async function openRoom(person: Person, name: string): Promise<void> {
  const [, room] = (await person.page.locator("#chat converse-muc").getAttribute("jid"))!.match(/^(.*)@/)!;
  await person.page.goto(`/chat/room/${room}`);
  await expect(person.room(name)).toBeVisible();
  await expect(person.input()).toBeVisible();
}

async function openMembers(person: Person): Promise<void> {
  await person.page.getByRole("button", { name: "Members", exact: true }).click();
  await expect(member(person, person.name)).toBeVisible();
}

/** Nothing is wrong with what is on top, in either theme. */
async function expectClean(person: Person, part: string): Promise<void> {
  await inBothThemes(person.page, async (theme) => {
    const { violations } = await new AxeBuilder({ page: person.page }).include(part).analyze();
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`), theme).toEqual([]);
    await expect.poll(() => foreignLooks(person.page, part), theme).toEqual([]);
  });
}

for (const [name, viewport] of Object.entries(screens)) {
  test.describe(name, () => {
    test.use({ contextOptions: { viewport, reducedMotion: "reduce" } });

    test("what a room is about is changed in place; its settings are plain words", async ({ alice, bob }) => {
      await makeRoom(alice, "Book club");
      await joinRoom(bob, "Book club");
      await openRoom(alice, "Book club");
      const title = alice.page.locator("#chat .head-name");
      await title.click();
      await expect(panel(alice).getByRole("tab", { name: "About" })).toBeFocused();
      await expectClean(alice, "#room-panel");

      await panel(alice).getByRole("button", { name: "Change: Name" }).click();
      await panel(alice).getByLabel("Name").fill("Readers");
      await panel(alice).getByLabel("Name").press("Enter");
      await expect(panel(alice).getByRole("heading", { level: 2 })).toHaveText("Readers");
      await describe(alice, "What it is about", "A book a month");
      await describe(alice, "Topic", "Middlemarch");
      await expect(bob.page.locator("#chat .chat-head__desc")).toHaveText("Middlemarch");
      await panel(alice).getByLabel("Notifications").selectOption("All messages");
      await expect(panel(alice).getByText("Saved.")).toBeVisible();

      await panel(alice).getByRole("tab", { name: "Settings" }).click();
      await panel(alice).getByLabel("Only people who are invited").check();
      await expect(question(alice).locator(".modal-title")).toHaveText("Only people who are invited?");
      await question(alice).getByRole("button", { name: "Close the room" }).click();
      await expect(panel(alice).getByText("Saved.")).toBeVisible();
      await expect(bob.page.locator("#chat converse-muc-disconnected")).toBeVisible();
      await expectClean(alice, "#room-panel");

      await panel(alice).getByRole("tab", { name: "About" }).click();
      await expect(panel(alice).getByText("By invitation")).toBeVisible();
      await alice.page.keyboard.press("Escape");
      await expect(panel(alice)).toBeHidden();
      await expect(title).toBeFocused();
    });

    // xmppd/muc/pins.go: who looks after a room keeps a message in sight of everybody.
    test("a message is pinned to the room, and found there by everybody", async ({ alice, bob }) => {
      await makeRoom(alice, "Book club");
      await joinRoom(bob, "Book club");
      await openRoom(alice, "Book club");
      await openRoom(bob, "Book club");
      await alice.say("Chapters one to five by Monday");
      await alice.say("and bring tea");
      await bob.hears("and bring tea");
      await bubble(bob, "bring tea").hover();
      await expect(bob.page.getByRole("button", { name: "Pin to room" })).toHaveCount(0); // a guest pins nothing
      await choose(alice, "one to five", "Pin to room");
      const mark = (person: Person) => bubble(person, "Chapters one to").getByRole("button", { name: `Pinned by ${names.alice}` });
      for (const person of [alice, bob]) await expect(mark(person)).toBeVisible();

      await bob.page.getByRole("button", { name: "1 pinned message" }).click();
      const pin = panel(bob).getByRole("listitem").filter({ hasText: "Chapters one to" });
      await expect(pin).toContainText(names.alice);
      await expect(pin.getByRole("button", { name: /^Unpin/ })).toHaveCount(0);
      await correct(alice, "Chapters one to five by Monday", "Chapters one to six by Monday"); // it says what its author says now
      await expect(pin).toContainText("one to six");
      await expectClean(bob, "#room-panel");
      const shown = marked(bob);
      await pin.getByRole("button").first().click();
      expect(await shown).toContain("one to six");

      await bob.page.reload();
      await expect(mark(bob)).toBeVisible();
      await mark(alice).click();
      await expectClean(alice, "#room-panel");
      await panel(alice).getByRole("button", { name: "Unpin" }).click();
      await expect(panel(alice).getByText("Nothing is pinned yet. Pin a message from its menu")).toBeVisible();
      await expect(panel(alice).getByRole("tab", { name: "Pinned" })).toBeFocused(); // its button is gone
      for (const person of [alice, bob]) await expect(mark(person)).toHaveCount(0);
    });

    test("somebody is invited, made a member and a moderator, removed, banned, and let in again", async ({ alice, bob, visit }) => {
      await makeRoom(alice, "Book club");
      await joinRoom(bob, "Book club");
      await bob.say("hello");
      await openRoom(alice, "Book club");
      await openMembers(alice);
      await expect(member(alice, names.bob)).toContainText("Guest");
      await expect(member(alice, names.alice)).toContainText("Owner");

      await panel(alice).getByRole("button", { name: "Invite", exact: true }).click();
      await panel(alice).getByLabel("Whom to invite").fill("carol");
      await panel(alice).getByRole("button", { name: `Invite ${names.carol}` }).click();
      await expect(panel(alice).getByText("Invited", { exact: true })).toBeVisible();
      await alice.page.keyboard.press("Escape");
      await expect(panel(alice).getByLabel("Whom to invite")).toHaveCount(0);

      await moderate(alice, names.bob, "Make member");
      await expect(member(alice, names.bob)).toContainText("Member");
      await moderate(alice, names.bob, "Make moderator");
      await expect(member(alice, names.bob)).toContainText("Moderator");
      await member(alice, names.bob).click();
      await expect(card(alice).getByRole("link", { name: "# Book club" })).toBeVisible(); // that they share
      await expectClean(alice, "#person-card");
      await alice.page.keyboard.press("Escape");
      await expect(member(alice, names.bob)).toBeFocused();

      await moderate(alice, names.bob, "Make member");
      await expect(member(alice, names.bob)).toContainText("Member"); // members can be removed
      await moderate(alice, names.bob, "Remove from the room", `Remove ${names.bob} from the room?`);
      await expect(bob.page.locator("#chat converse-muc-disconnected")).toBeVisible();
      await expect(member(alice, names.bob)).toContainText("Not here now");
      await moderate(alice, names.bob, "Ban", `Ban ${names.bob} from the room?`);
      await expect(member(alice, names.bob)).toHaveCount(0);
      await expect(panel(alice).getByRole("tab", { name: "Members" })).toBeFocused(); // the row that had it is gone
      await panel(alice).getByRole("button", { name: "Banned (1)" }).click();
      await expectClean(alice, "#room-panel");
      await moderate(alice, names.bob, "Un-ban");
      await expect(member(alice, names.bob)).toHaveCount(0);
      await joinRoom(bob, "Book club");
      await expect(member(alice, names.bob)).toContainText("Guest");
      const carol = await visit("carol");
      await carol.signIn();
      const invitation = carol.page.locator("#chat-invitation");
      await expect(invitation).toContainText(`${names.alice} invites you to a room.`);
      await invitation.getByRole("button", { name: "Later" }).press("Enter");
      await expect(invitation).toBeHidden();
      await expect(carol.page.locator("#chat-toggle")).toBeFocused(); // the button that had it is gone
      await joinRoom(carol, "Book club");
      await expect(member(alice, names.carol)).toBeVisible();
    });

    test("a card stands behind every name and picture; Message leads to the conversation with them", async ({ alice, bob }) => {
      await makeRoom(alice, "Book club");
      await joinRoom(bob, "Book club");
      await alice.say("Who reads along?");
      await openRoom(bob, "Book club");
      await bob.hears("Who reads along?");
      const author = bob.page.locator("#chat .chat-msg__author a").filter({ hasText: names.alice });
      await author.focus();
      await bob.page.keyboard.press("Enter");
      await expect(card(bob).getByText("Owner · Site admin · Around")).toBeVisible();
      await expect(card(bob).getByRole("button", { name: "Ban" })).toHaveCount(0); // a guest looks after nothing
      await expectClean(bob, "#person-card");
      await bob.page.keyboard.press("Escape");
      await expect(author).toBeFocused();
      await author.click();
      await card(bob).getByRole("link", { name: "Message" }).click();
      await expect(card(bob)).toHaveCount(0);
      await bob.say("I do");
      await bob.page.locator("#chat converse-chat .head-name").click();
      await card(bob).getByRole("button", { name: "Block" }).click();
      await question(bob).getByRole("button", { name: "Block" }).click();
      await expect(bob.page.locator("#chat converse-chat")).toHaveCount(0);
    });
  });
}

test("the panel stays open from page to page, and lists the files of the room", async ({ alice }) => {
  await makeRoom(alice, "Book club");
  await openRoom(alice, "Book club");
  await alice.page.locator('#chat input[type="file"]').setInputFiles({ name: "reading list.txt", mimeType: "text/plain", buffer: Buffer.from("Middlemarch") });
  await alice.page.getByRole("list", { name: "To be sent" }).getByText("reading list.txt").waitFor();
  await alice.page.getByTitle("Send the message").click();
  await expect(alice.page.locator("#chat .file-card__name")).toHaveText("reading list.txt");
  await alice.page.locator("#chat .head-name").click();
  await panel(alice).getByRole("tab", { name: "Files" }).click();
  const file = panel(alice).getByRole("button", { name: "reading list.txt" });
  await expect(file).toBeVisible();
  await expectClean(alice, "#room-panel");
  await alice.page.reload();
  await expect(file).toBeVisible();
  const shown = marked(alice);
  await file.click();
  expect(await shown).toContain("reading list.txt");
});

// In a room that shows nobody's account: a browser that comes later asks it in vain for their pictures.
test("who has left a room keeps their picture and their card", async ({ alice, bob }) => {
  await makeRoom(bob, "Book club");
  await joinRoom(alice, "Book club");
  await bob.say("Who reads along?");
  await alice.hears("Who reads along?");
  await chooseAbove(bob, "Leave");
  await question(bob).getByRole("button", { name: "Leave" }).click();
  await expect(alice.page.locator("#chat .head-count")).toHaveText("Only you are here");
  await clearStorage(alice);
  await alice.page.goto("/");
  await alice.ready();
  await enterRoom(alice, "Book club");
  await alice.hears("Who reads along?");
  const picture = bubble(alice, "Who reads along?").locator("converse-avatar image");
  await expect(picture).toHaveAttribute("href", /^\/avatars\//);
  await bubble(alice, "Who reads along?").locator(".chat-msg__author a").click();
  await expect(card(alice).getByRole("link", { name: "Message" })).toBeVisible();
  await expect(card(alice).locator(".conversation-picture img")).toBeVisible();
});

test("the owner of a room sees what somebody is there who has left it, and may change that", async ({ alice, bob }) => {
  await makeRoom(alice, "Book club");
  await joinRoom(bob, "Book club");
  await bob.say("Who reads along?");
  await alice.hears("Who reads along?");
  await chooseAbove(bob, "Leave");
  await question(bob).getByRole("button", { name: "Leave" }).click();
  await expect(alice.page.locator("#chat .head-count")).toHaveText("Only you are here");
  await alice.page.reload();
  await alice.hears("Who reads along?");
  await bubble(alice, "Who reads along?").locator(".chat-msg__author a").click();
  await expect(card(alice)).toContainText("Guest");
  await card(alice).getByRole("button", { name: "Make member" }).click();
  await expect(card(alice)).toHaveCount(0);
});

// XEP-0045 §7.5: what an app sends in private to somebody in a room is not missed.
test("a private message within a room opens beside it", async ({ alice, bob }) => {
  await makeRoom(alice, "Book club");
  await joinRoom(bob, "Book club");
  const room = await bob.page.locator("#chat converse-muc").getAttribute("jid");
  await send(bob, [
    `<presence xmlns="jabber:client" to="${room}/${names.bob}"><x xmlns="http://jabber.org/protocol/muc"/></presence>`,
    `<message xmlns="jabber:client" to="${room}/${names.alice}" type="chat" id="whisper"><body>between us</body><x xmlns="http://jabber.org/protocol/muc#user"/></message>`,
  ]);
  await expect(alice.page.locator("#chat converse-muc-sidebar").getByText("between us")).toBeVisible();
});
