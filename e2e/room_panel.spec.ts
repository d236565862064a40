// The panel of a room and people's cards: what they show, what is done there in plain
// words, by mouse and by keyboard, on a phone as on a desk, and how they look.

import { Client } from "./support/client.ts";
import { expectClean } from "./support/right.ts";
import { attach, expectShown, images, picture } from "./support/files.ts";
import { bubble, choose, confirm, correct, reply } from "./support/messages.ts";
import { card, chooseAbove, describe, member, panel, question } from "./support/rooms.ts";
import { clearStorage } from "./support/storage.ts";
import { send } from "./support/stream.ts";
import { enterRoom, expect, makeRoom, names, type Person, screens, test } from "./support/test.ts";

test.use({ contextOptions: { reducedMotion: "reduce" } });

// Alice has a wide screen, and Bob a phone.
test("the panel of a room says what it is about, and holds its members, pinned messages, files and settings", async ({ visit }) => {
  const [alice, bob] = [await visit("alice"), await visit("bob")];
  await alice.signIn();
  await makeRoom(alice, "Book club");
  await alice.goTo("Chat");
  const title = alice.page.locator("#chat .head-name");

  await test.step("somebody is invited, and finds the invitation when they sign in", async () => {
    await alice.page.getByRole("button", { name: "Members", exact: true }).click();
    await expect(member(alice, names.alice)).toContainText("Owner");
    await panel(alice).getByRole("button", { name: "Invite", exact: true }).click();
    await panel(alice).getByRole("searchbox", { name: "Invite", exact: true }).fill("bob");
    await panel(alice).getByRole("button", { name: `Invite ${names.bob}` }).click();
    await expect(panel(alice).getByText("Invited", { exact: true })).toBeVisible();
    await alice.page.keyboard.press("Escape");
    await expect(panel(alice).getByRole("searchbox", { name: "Invite", exact: true })).toHaveCount(0);

    await bob.page.setViewportSize(screens.phone);
    await bob.signIn();
    const invitation = bob.page.locator("#chat-invitation");
    await expect(invitation).toContainText(`${names.alice} invites you to “Book club”.`);
    await invitation.getByRole("button", { name: "Later" }).press("Enter");
    await expect(invitation).toBeHidden();
    await expect(bob.page.locator("#chat-toggle")).toBeFocused(); // the button that had it is gone
    await enterRoom(bob, "Book club");
    await expect(member(alice, names.bob)).toBeVisible();
    await alice.page.keyboard.press("Escape");
    await expect(panel(alice)).toBeHidden();
  });

  await test.step("what the room is about is changed in place", async () => {
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
  });

  await test.step("a message is pinned to the room, and found there by everybody", () => pins(alice, bob));
  await test.step("the files of the room are listed, and the panel is there after a reload", () => files(alice));

  await test.step("its settings are plain words", async () => {
    await alice.page.keyboard.press("Escape");
    await expect(panel(alice)).toBeHidden();
    await title.click();
    await panel(alice).getByRole("tab", { name: "Settings" }).click();
    await panel(alice).getByLabel("Only people who are invited").check();
    await expect(question(alice).locator(".modal-title")).toHaveText("Make the room invitation-only?");
    await question(alice).getByRole("button", { name: "Make it invitation-only" }).click();
    await expect(panel(alice).getByText("Saved.")).toBeVisible();
    await expect(bob.page.locator("#chat converse-muc-disconnected")).toBeVisible();
    await expectClean(alice, "#room-panel");
    await panel(alice).getByRole("tab", { name: "About" }).click();
    await expect(panel(alice).getByText("By invitation")).toBeVisible();
    await alice.page.keyboard.press("Escape");
    await expect(panel(alice)).toBeHidden();
    await expect(title).toBeFocused();
  });
});

// xmppd/muc/pins.go: who looks after a room keeps a message in sight of everybody.
async function pins(alice: Person, bob: Person): Promise<void> {
  await alice.say("What do we read?");
  await reply(alice, "What do we read?", "Chapters one to five by Monday");
  await alice.say("and bring tea");
  await bob.hears("and bring tea");
  await bubble(bob, "bring tea").hover();
  await expect(bob.page.getByRole("button", { name: "Pin to room" })).toHaveCount(0); // a guest pins nothing
  await choose(alice, "one to five", "Pin to room");
  const mark = (person: Person) => bubble(person, "Chapters one to").getByRole("button", { name: `Pinned by ${names.alice}` });
  for (const person of [alice, bob]) {
    await expect(mark(person)).toBeVisible();
    const answer = bubble(person, "Chapters one to");
    const parts = [mark(person), answer.locator(".chat-msg__reply-context"), answer.locator(".chat-msg__text")];
    await expect(async () => {
      const [first, second, third] = await Promise.all(parts.map(async (part) => (await part.boundingBox())!.y));
      expect(first).toBeLessThan(second!);
      expect(second).toBeLessThan(third!);
    }).toPass();
  }

  await expect(alice.page.getByRole("button", { name: "1 pinned message" })).toBeVisible();
  await expect(bob.page.getByRole("button", { name: "1 pinned message" })).toBeHidden(); // who is there needs the room
  await bob.page.locator("#chat .head-name").click();
  await panel(bob).getByRole("tab", { name: "Pinned" }).click();
  const pin = panel(bob).getByRole("listitem").filter({ hasText: "Chapters one to" });
  await expect(pin).toContainText(names.alice);
  await expect(pin.getByRole("button", { name: /^Unpin/ })).toHaveCount(0);
  await correct(alice, "Chapters one to five by Monday", "Chapters one to six by Monday"); // it says what its author says now
  await expect(pin).toContainText("one to six");
  await expectClean(bob, "#room-panel");
  const shown = bob.marked();
  await pin.getByRole("button").first().click();
  expect(await shown).toContain("one to six");

  await bob.page.reload();
  await bob.page.locator("#chat-toggle").click();
  await expect(mark(bob)).toBeVisible();
  await mark(alice).click();
  await expectClean(alice, "#room-panel");
  await panel(alice).getByRole("button", { name: "Unpin" }).click();
  await expect(panel(alice).getByText("Nothing is pinned yet. Pin a message from its menu")).toBeVisible();
  await expect(panel(alice).getByRole("tab", { name: "Pinned" })).toBeFocused(); // its button is gone
  for (const person of [alice, bob]) await expect(mark(person)).toHaveCount(0);
}

async function files(alice: Person): Promise<void> {
  await alice.page.locator('#chat input[type="file"]').setInputFiles({ name: "reading list.txt", mimeType: "text/plain", buffer: Buffer.from("Middlemarch") });
  await alice.page.getByRole("list", { name: "To be sent" }).getByText("reading list.txt").waitFor();
  await alice.page.getByTitle("Send the message").click();
  await expect(alice.page.locator("#chat .file-card__name")).toHaveText("reading list.txt");
  await panel(alice).getByRole("tab", { name: "Files" }).click();
  const file = panel(alice).getByRole("button", { name: "reading list.txt" });
  await expect(file).toBeVisible();
  await attach(alice, await picture(alice, "cover.png"));
  await expectShown(images(alice).last());
  await panel(alice).getByRole("tab", { name: "Files" }).click();
  const cover = panel(alice).getByRole("button", { name: "Picture: cover.png" });
  await expectShown(cover.locator("img"));
  expect(await cover.boundingBox()).toMatchObject({ width: 48, height: 48 });
  await expect(panel(alice).getByRole("button", { name: /^Picture/ })).toHaveCount(1);
  await cover.click();
  const viewer = alice.page.getByRole("dialog", { name: "Pictures" });
  await expectShown(viewer.locator("img"));
  await alice.page.keyboard.press("Escape");
  await expect(viewer).toHaveCount(0);
  await expect(cover).toBeFocused();
  await expectClean(alice, "#room-panel");
  await alice.page.reload();
  await expect(file).toBeVisible();
  const shown = alice.marked();
  await file.click();
  expect(await shown).toContain("reading list.txt");
}

test("a card stands behind every name and picture, of people who have left as well; Message leads to the conversation with them", async ({ visit, site }) => {
  const [alice, bob] = [await visit("alice"), await visit("bob")];
  await bob.page.setViewportSize(screens.phone);
  await bob.signIn();
  await makeRoom(bob, "Chess club");
  await bob.say("Who plays white?");
  await alice.signIn();
  await enterRoom(alice, "Chess club");
  await alice.hears("Who plays white?");
  await makeRoom(alice, "Book club");
  await alice.say("Who reads along?");
  const [room] = (await alice.page.locator("#chat converse-muc").getAttribute("jid"))!.split("@");
  await bob.page.goto(`/chat/room/${room}`);
  await bob.hears("Who reads along?");
  await bob.say("I do");
  await alice.hears("I do");

  await test.step("a guest sees who looks after the room", async () => {
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
    await bob.say("Which edition?");
  });

  await test.step("somebody is blocked on their card, until they are unblocked", async () => {
    await bob.page.locator("#chat converse-chat .head-name").click();
    await card(bob).getByRole("button", { name: "Block" }).click();
    await question(bob).getByRole("button", { name: "Block" }).click();
    await expect(bob.page.locator("#chat converse-chat")).toHaveCount(0);
    await bob.page.goto("/chat/with/alice");
    await chooseAbove(bob, "Unblock");
    await confirm(bob);
    await expect(bob.input()).toBeVisible();
  });

  const nameOn = (text: string) => bubble(alice, text).locator(".chat-msg__author a");

  await test.step("the owner of a room sees what somebody is there who has left it, and may change that", async () => {
    // A page that is loaded again while it starts goes on with no stream; the one before stays in no room.
    await bob.page.evaluate(() => sessionStorage.setItem("foyer-starting", "1"));
    await bob.page.reload();
    await bob.ready();
    await bob.page.getByRole("button", { name: "Back to the list" }).click();
    for (const name of ["Chess club", "Book club"]) { // each gives way to the list
      await bob.listed(name).click();
      await expect(bob.room(name)).toBeVisible();
      await chooseAbove(bob, "Leave");
      await question(bob).getByRole("button", { name: "Leave" }).click();
    }
    await expect(alice.page.locator("#chat .head-count")).toHaveText("Only you are here");
    await alice.page.reload();
    await nameOn("I do").click();
    await expect(card(alice)).not.toContainText(/Member|Guest/);
    await card(alice).getByRole("button", { name: "Make member" }).click();
    await expect(card(alice)).toHaveCount(0);
  });

  // In a room that shows nobody's account: a browser that comes later asks it in vain for their pictures.
  await test.step("who has left a room keeps their picture and their card", async () => {
    await clearStorage(alice);
    await alice.page.goto("/");
    await alice.ready();
    await enterRoom(alice, "Chess club");
    await expect(alice.page.locator("#chat .head-count")).toHaveText("Only you are here");
    await expect(bubble(alice, "Who plays white?").locator("converse-avatar image")).toHaveAttribute("href", /^\/avatars\//);
    await nameOn("Who plays white?").click();
    await expect(card(alice).getByRole("link", { name: "Message" })).toBeVisible();
    await expect(card(alice).locator(".conversation-picture img")).toBeVisible();
  });

  // XEP-0045 §7.5: what an app sends in private to somebody in a room is not missed.
  await test.step("a private message within a room opens beside it", async () => {
    const chess = (await alice.page.locator("#chat converse-muc").getAttribute("jid")) as `${string}@${string}`;
    const privately = alice.page.locator("#chat converse-muc-occupant");
    await alice.page.keyboard.press("Escape");
    await send(bob, [
      `<presence xmlns="jabber:client" to="${chess}/${names.bob}"><x xmlns="http://jabber.org/protocol/muc"/></presence>`,
      `<message xmlns="jabber:client" to="${chess}/${names.alice}" type="chat" id="whisper"><body>between us</body><x xmlns="http://jabber.org/protocol/muc#user"/></message>`,
    ]);
    await expect(privately.getByText("between us")).toBeVisible();
    await expect(privately.getByRole("heading")).toHaveText(names.bob);
    expect(await privately.innerText()).not.toContain("@");
    const pictures = () => alice.page.locator("#chat converse-avatar").evaluateAll((all) => all.map((one) => [one.getAttribute("name"), one.querySelector("image")?.getAttribute("href")]));
    await expect.poll(async () => (await pictures()).filter(([name, picture]) => name === names.bob && !picture), "where bob has no picture").toEqual([]);
    expect((await pictures()).filter(([name]) => name === names.bob).length, "beside what he said here, and there").toBeGreaterThan(1);
    await privately.getByRole("heading").getByRole("button").click();
    await expect(card(alice)).toContainText(names.bob);
    await alice.page.keyboard.press("Escape");
    await privately.getByRole("button", { name: "Back to the room" }).click();
    await expect(privately).toHaveCount(0);
  });

  // Where one is a guest, nobody's account is known.
  await test.step("two of them are apart, with what was begun in each; on a phone there is one way back, also when who wrote has left", async () => {
    const [carol, robert] = [await Client.signIn(site, "carol"), await Client.signIn(site, "bob")];
    const den = await carol.makeRoom("Den");
    await robert.enter(den);
    await alice.page.goto("/");
    await alice.ready();
    await enterRoom(alice, "Den");
    const privately = alice.page.locator("#chat converse-muc-occupant");
    const field = privately.locator("textarea");
    const isWith = async (name: string, begun: string, said: string[]) => {
      await expect(privately.getByRole("heading")).toHaveText(name);
      await expect(field).toHaveValue(begun);
      await expect(privately.locator(".chat-msg__text")).toHaveText(said);
    };
    const room = alice.page.locator("#chat .chat-area textarea");
    await expect(room).toBeFocused();
    await robert.say("between us", `${den}/${names.alice}`);
    await isWith(names.bob, "", ["between us"]);
    await field.fill("not in front of Carol");
    await field.press("Home");
    await carol.say("and between us", `${den}/${names.alice}`);
    const meanwhile = (name: string) => alice.page.locator("#chat .composer-note").filter({ hasText: `${name} wrote to you in private` }).filter({ visible: true });
    await expect(meanwhile(names.carol)).toBeVisible();
    await expect(field).toBeFocused();
    await alice.page.keyboard.type("Bob, ");
    await isWith(names.bob, "Bob, not in front of Carol", ["between us"]);
    await meanwhile(names.carol).getByRole("button", { name: "Show" }).click();
    await isWith(names.carol, "", ["and between us"]);
    await expect(field).toBeFocused();
    await expect(meanwhile(names.carol)).toHaveCount(0);
    await field.fill("for Carol alone");
    await field.press("Enter");
    await expect.poll(() => carol.heard).toContain("for Carol alone");
    await privately.getByRole("button", { name: "Back to the room" }).click();
    await room.fill("not in private");
    await robert.say("are you there?", `${den}/${names.alice}`);
    await expect(meanwhile(names.bob)).toBeVisible();
    await expect(room).toBeFocused();
    await meanwhile(names.bob).getByRole("button", { name: "Show" }).press("Enter");
    await isWith(names.bob, "Bob, not in front of Carol", ["between us", "are you there?"]);
    await expect(field).toBeFocused();

    const wide = alice.page.viewportSize()!;
    const heading = alice.page.locator("#chat converse-muc-heading");
    await alice.page.setViewportSize(screens.phone);
    await expect(heading).toBeHidden();
    await expect(field).toBeVisible();
    robert.leave();
    await expect(alice.page.locator("#chat .head-count")).toHaveText("2 people here");
    await expect(privately.getByText("are you there?")).toBeVisible(); // it can be read on
    await alice.page.reload();
    await alice.ready();
    await alice.page.getByRole("button", { name: /^Chat( \d|$)/ }).click();
    await expect(heading).toBeVisible();
    await expect(privately).toHaveCount(0);
    await alice.page.setViewportSize(wide);
  });
});
