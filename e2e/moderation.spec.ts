// What moderators do in a room, and what those concerned and everybody else see
// of it: a message removed, somebody put out, kept out, or without a voice.

import { choose, tombstones } from "./support/messages.ts";
import { chooseAbove, moderate, panel } from "./support/rooms.ts";
import { clearStorage } from "./support/storage.ts";
import { send } from "./support/stream.ts";
import { enterRoom, expect, joinRoom, makeRoom, names, type Person, test } from "./support/test.ts";

/** What the room says of what happens in it. */
const said = (person: Person, text: string) => person.page.locator("#chat converse-muc .chat-info").filter({ hasText: text });

/** What stands in place of a room that somebody is out of. */
const outside = (person: Person) => person.page.locator("#chat converse-muc-disconnected");

test("a moderator removes a message", async ({ alice, bob }) => {
  await makeRoom(alice, "Book club");
  await joinRoom(bob, "Book club");
  await bob.say("Buy cheap watches");
  await bob.say("and hello");
  await alice.hears("Buy cheap watches");

  await choose(alice, "Buy cheap watches", "Delete");
  const dialog = alice.page.locator(".modal.show");
  await dialog.getByLabel("Optional reason").fill("no advertising");
  await dialog.getByRole("button", { name: "Delete", exact: true }).click();

  const removed = async (person: Person) => {
    await expect(tombstones(person)).toContainText("A moderator deleted this message.");
    await expect(tombstones(person)).toContainText("no advertising");
    await expect(person.message("cheap watches")).toHaveCount(0);
    await person.hears("and hello");
  };
  for (const person of [alice, bob]) await removed(person);
  await alice.page.reload();
  await removed(alice);
  await clearStorage(bob); // from the archive alone
  await bob.page.goto("/");
  await bob.ready();
  await enterRoom(bob, "Book club");
  await removed(bob);
});

/** Removes somebody from the room that is open, with a reason, as other apps do. */
async function removeInApp(person: Person, other: Person, reason: string): Promise<void> {
  const room = await person.page.locator("#chat converse-muc:visible").getAttribute("jid");
  await send(person, [
    `<presence xmlns="jabber:client" to="${room}/${person.name}"><x xmlns="http://jabber.org/protocol/muc"/></presence>`,
    `<iq xmlns="jabber:client" to="${room}" type="set" id="out"><query xmlns="http://jabber.org/protocol/muc#admin"><item nick="${other.name}" role="none"><reason>${reason}</reason></item></query></iq>`,
  ]);
}

test("somebody is put out, comes back, and is banned", async ({ alice, bob }) => {
  await makeRoom(alice, "Book club");
  await joinRoom(bob, "Book club");
  await alice.say("Quiet, please");
  await bob.hears("Quiet, please");

  await removeInApp(alice, bob, "shouting");
  await expect(said(alice, `${names.bob} has been removed by ${names.alice}`)).toBeVisible();
  await expect(outside(bob)).toContainText("You have been removed from this room");
  await expect(outside(bob)).toContainText(`This action was done by ${names.alice}.`);
  await expect(outside(bob)).toContainText('The reason given is: "shouting".');
  await expect(bob.input()).toHaveCount(0);
  await alice.say("Said while he was out");

  await enterRoom(bob, "Book club");
  await expect(outside(bob)).toHaveCount(0);
  await bob.hears("Said while he was out");
  await bob.say("Sorry");
  await alice.hears("Sorry");

  await alice.page.getByRole("button", { name: "Members", exact: true }).click();
  await moderate(alice, names.bob, "Ban", `Ban ${names.bob} from the room?`);
  await panel(alice).getByRole("button", { name: "Back to the conversation" }).click();
  await expect(said(alice, `${names.bob} has been banned by ${names.alice}`)).toBeVisible();
  await expect(outside(bob)).toContainText("You have been banned from this room");
  await enterRoom(bob, "Book club"); // in vain
  await expect(outside(bob)).toContainText("You have been banned from this room");
  await expect(bob.input()).toHaveCount(0);
  await alice.say("Peace at last");
  await expect(bob.message("Peace at last")).toHaveCount(0);
});

test("somebody may not write in a moderated room", async ({ alice, bob }) => {
  await makeRoom(alice, "Book club");
  await joinRoom(bob, "Book club");
  await bob.say("I may speak");
  await alice.hears("I may speak");

  await chooseAbove(alice, "Settings");
  await alice.page.getByLabel("Only members may write").check();
  await expect(alice.page.locator("#room-panel").getByText("Saved.")).toBeVisible();

  const panel = alice.page.locator("#room-panel");
  const onCard = async (verb: string) => {
    await panel.locator(".room-person").filter({ hasText: names.bob }).click();
    await alice.page.locator("#person-card").getByRole("button", { name: verb }).click();
  };
  await panel.getByRole("tab", { name: "Members" }).click();
  await onCard("Stop them from writing");
  const mute = bob.page.locator("#chat .muc-bottom-panel--muted");
  await expect(mute).toHaveText("You're not allowed to send messages in this room");
  await expect(bob.input()).toHaveCount(0);
  await alice.page.keyboard.press("Escape");
  await expect(panel).toBeHidden();
  await alice.say("Only I speak");
  await bob.hears("Only I speak");

  await alice.page.getByRole("button", { name: "Members", exact: true }).click();
  await onCard("Let them write");
  await expect(mute).toHaveCount(0);
  await bob.say("I may speak again");
  await alice.hears("I may speak again");
});
