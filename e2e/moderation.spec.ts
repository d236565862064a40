// What moderators do in a room, and what those concerned and everybody else see of it: a message
// removed, somebody made a member or a moderator, without a voice, put out, banned, and let in again.

import { expectClean } from "./support/right.ts";
import { choose, tombstones } from "./support/messages.ts";
import { expectPlain } from "./support/plain.ts";
import { card, chooseAbove, member, moderate, panel } from "./support/rooms.ts";
import { clearStorage } from "./support/storage.ts";
import { send } from "./support/stream.ts";
import { enterRoom, expect, makeRoom, names, type Person, screens, test } from "./support/test.ts";

/** What the room says of what happens in it. */
const said = (person: Person, text: string) => person.page.locator("#chat converse-muc .chat-info").filter({ hasText: text });

/** What it says for a moment, of what somebody may do there now. */
const saidBriefly = (person: Person, text: string) => person.page.locator("#chat converse-muc").getByText(text).last();

/** What stands in place of a room that somebody is out of. */
const outside = (person: Person) => person.page.locator("#chat converse-muc-disconnected");

// in a browser that speaks another language, too, nobody meets a word of the protocol.
test.use({ contextOptions: { locale: "de-DE", reducedMotion: "reduce" } });

// Alice looks after the room, on a phone; Bob has a wide screen.
test("what moderators do, and what others see of it", async ({ visit }) => {
  const [alice, bob] = [await visit("alice"), await visit("bob")];
  await alice.page.setViewportSize(screens.phone);
  await alice.signIn();
  await makeRoom(alice, "Book club");
  await bob.signIn();
  await enterRoom(bob, "Book club");
  await bob.say("Buy cheap watches");
  await bob.say("and hello");
  await alice.hears("Buy cheap watches");

  await test.step("a message is removed", () => removed(alice, bob));
  await test.step("somebody is stopped from writing, and may write again", () => voices(alice, bob));
  await test.step("somebody is made a member, and a moderator", () => roles(alice, bob));
  await test.step("an app puts somebody out, who comes back", () => putOut(alice, bob));
  await test.step("somebody is removed, banned, and let in again", () => banned(alice, bob));
});

async function removed(alice: Person, bob: Person): Promise<void> {
  await choose(alice, "Buy cheap watches", "Delete");
  const dialog = alice.page.locator(".modal.show");
  await dialog.getByLabel("Optional reason").fill("no advertising");
  await dialog.getByRole("button", { name: "Delete", exact: true }).click();

  const isRemoved = async (person: Person) => {
    await expect(tombstones(person)).toContainText("A moderator deleted a message.");
    await expect(tombstones(person)).toContainText("no advertising");
    await expect(person.message("cheap watches")).toHaveCount(0);
    await person.hears("and hello");
  };
  for (const person of [alice, bob]) await isRemoved(person);
  await alice.page.reload();
  await alice.page.locator("#chat-toggle").click();
  await isRemoved(alice);
  await clearStorage(bob); // from the archive alone
  await bob.page.goto("/");
  await bob.ready();
  await enterRoom(bob, "Book club");
  await isRemoved(bob);
}

async function voices(alice: Person, bob: Person): Promise<void> {
  await chooseAbove(alice, "Settings");
  await alice.page.getByLabel("Only members may write").check();
  await expect(panel(alice).getByText("Saved.")).toBeVisible();
  await panel(alice).getByRole("tab", { name: "Members" }).click();
  await expect(member(alice, names.alice)).toContainText("Owner");
  await expect(member(alice, names.bob)).toContainText("Guest");
  await moderate(alice, names.bob, "Stop them from writing");
  await expect(saidBriefly(alice, `${names.bob} has been stopped from writing`)).toBeVisible();
  const mute = bob.page.locator("#chat .muc-bottom-panel--muted");
  await expect(mute).toHaveText("You're not allowed to send messages in this room");
  await expect(bob.input()).toHaveCount(0);
  await expectPlain(bob);
  await alice.page.keyboard.press("Escape");
  await expect(panel(alice)).toBeHidden();
  await alice.say("Only I speak");
  await bob.hears("Only I speak");

  await alice.page.getByRole("button", { name: "Members", exact: true }).click();
  await moderate(alice, names.bob, "Let them write");
  await expect(saidBriefly(alice, `${names.bob} may write now`)).toBeVisible();
  await expect(mute).toHaveCount(0);
  await bob.say("I may speak again");
  await alice.hears("I may speak again");
  await expectPlain(bob);
}

async function roles(alice: Person, bob: Person): Promise<void> {
  await moderate(alice, names.bob, "Make member");
  await expect(saidBriefly(alice, `${names.bob} is now a member of this room`)).toBeVisible();
  await expect(member(alice, names.bob)).toContainText("Member");
  await expectPlain(bob);
  await moderate(alice, names.bob, "Make moderator");
  await expect(saidBriefly(alice, `${names.bob} is now a moderator of this room`)).toBeVisible();
  await expect(member(alice, names.bob)).toContainText("Moderator");
  await expectPlain(bob);
  await member(alice, names.bob).click();
  await expect(card(alice).getByRole("link", { name: "# Book club" })).toBeVisible(); // that they share
  await expectClean(alice, "#person-card");
  await alice.page.keyboard.press("Escape");
  await expect(member(alice, names.bob)).toBeFocused();

  await moderate(alice, names.bob, "Make member");
  await expect(saidBriefly(alice, `${names.bob} is no longer a moderator of this room`)).toBeVisible();
  await expect(member(alice, names.bob)).toContainText("Member"); // members can be removed
  await expectPlain(bob);
}

async function putOut(alice: Person, bob: Person): Promise<void> {
  const room = await alice.page.locator("#chat converse-muc:visible").getAttribute("jid");
  await send(alice, [
    `<presence xmlns="jabber:client" to="${room}/${alice.name}"><x xmlns="http://jabber.org/protocol/muc"/></presence>`,
    `<iq xmlns="jabber:client" to="${room}" type="set" id="out"><query xmlns="http://jabber.org/protocol/muc#admin"><item nick="${bob.name}" role="none"><reason>shouting</reason></item></query></iq>`,
  ]);
  await expect(said(alice, `${names.bob} has been removed by ${names.alice}`)).toBeVisible();
  await expect(outside(bob)).toContainText("You have been removed from this room");
  await expect(outside(bob)).toContainText(`This action was done by ${names.alice}.`);
  await expect(outside(bob)).toContainText('The reason given is: "shouting".');
  await expect(bob.input()).toHaveCount(0);
  await panel(alice).getByRole("button", { name: "Back to the conversation" }).click();
  await alice.say("Said while he was out");

  await enterRoom(bob, "Book club");
  await expect(outside(bob)).toHaveCount(0);
  await bob.hears("Said while he was out");
  await bob.say("Sorry");
  await alice.hears("Sorry");
}

async function banned(alice: Person, bob: Person): Promise<void> {
  await alice.page.getByRole("button", { name: "Members", exact: true }).click();
  await moderate(alice, names.bob, "Remove from the room", `Remove ${names.bob} from the room?`);
  await expect(said(alice, `${names.bob} has been removed by ${names.alice}`)).toHaveCount(2);
  await expect(outside(bob)).toContainText("You have been removed from this room");
  await expect(member(alice, names.bob)).toContainText("Not here now");
  for (const person of [alice, bob]) await expectPlain(person);
  await moderate(alice, names.bob, "Ban", `Ban ${names.bob} from the room?`);
  await expect(member(alice, names.bob)).toHaveCount(0);
  await expect(panel(alice).getByRole("tab", { name: "Members" })).toBeFocused(); // the row that had it is gone
  await panel(alice).getByRole("button", { name: "Banned (1)" }).click();
  await expectClean(alice, "#room-panel");
  await moderate(alice, names.bob, "Unban");
  await expect(member(alice, names.bob)).toHaveCount(0);

  await enterRoom(bob, "Book club");
  await expect(outside(bob)).toHaveCount(0);
  await expect(member(alice, names.bob)).toContainText("Guest");
  await moderate(alice, names.bob, "Ban", `Ban ${names.bob} from the room?`);
  await expect(said(alice, `${names.bob} has been banned by ${names.alice}`)).toBeVisible();
  await expect(outside(bob)).toContainText("You have been banned from this room");
  await enterRoom(bob, "Book club"); // in vain
  await expect(outside(bob)).toContainText("You have been banned from this room");
  await expect(bob.input()).toHaveCount(0);
  await panel(alice).getByRole("button", { name: "Back to the conversation" }).click();
  await alice.say("Peace at last");
  await expect(bob.message("Peace at last")).toHaveCount(0);
}
