// What people do with a message that was said: react to it, answer it, correct
// it, take it back. Both sides see the same, and see it again from the archive.

import { bubble, correct, expectReactions, react, reply, retract, tombstones } from "./support/messages.ts";
import { clearStorage } from "./support/storage.ts";
import { enterRoom, expect, joinRoom, makeRoom, names, type Person, test } from "./support/test.ts";

/** Where two people talk, and how they come there. */
const places: Record<string, { meet(alice: Person, bob: Person): Promise<void>; comeBack(person: Person): Promise<void> }> = {
  "a chat": {
    async meet(alice, bob) {
      await alice.talkTo("bob");
      await bob.talkTo("alice");
    },
    async comeBack(person) {
      await person.talkTo(person.user === "alice" ? "bob" : "alice");
    },
  },
  "a room": {
    async meet(alice, bob) {
      await makeRoom(alice, "Book club");
      await joinRoom(bob, "Book club");
    },
    async comeBack(person) {
      await enterRoom(person, "Book club");
    },
  },
};

/** A message that answers another, which stands above it. */
async function expectReply(person: Person, text: string, to: string, said: string): Promise<void> {
  const context = bubble(person, text).locator(".chat-msg__reply-context");
  await expect(context.locator(".chat-msg__reply-text")).toHaveText(said);
  await expect(context.locator(".chat-msg__reply-sender")).toHaveText(to);
}

async function expectCorrected(person: Person, before: string, after: string): Promise<void> {
  await expect(person.message(after)).toHaveCount(1);
  await expect(person.message(before)).toHaveCount(0);
  await expect(bubble(person, after).locator(".chat-msg__edit-modal")).toBeVisible();
}

for (const [place, { meet, comeBack }] of Object.entries(places)) {
  test(`what is done with messages in ${place}`, async ({ alice, bob }) => {
    const both = [alice, bob];
    await meet(alice, bob);
    await alice.say("Shall we meet at nine?");
    await bob.hears("Shall we meet at nine?");

    await test.step("reactions", async () => {
      await react(bob, "meet at nine", "👍");
      for (const person of both) await expectReactions(person, "meet at nine", ["👍 1"]);
      await bubble(alice, "meet at nine").locator(".chat-msg__reaction").click(); // hers, too
      for (const person of both) await expectReactions(person, "meet at nine", ["👍 2"]);
      await bubble(alice, "meet at nine").locator(".chat-msg__reaction").click(); // and no more
      for (const person of both) await expectReactions(person, "meet at nine", ["👍 1"]);
    });

    await test.step("reply", async () => {
      await reply(bob, "meet at nine", "Make it ten");
      await alice.hears("Make it ten");
      for (const person of both) await expectReply(person, "Make it ten", names.alice, "Shall we meet at nine?");
    });

    await test.step("correction", async () => {
      await bob.say("At the libary");
      await alice.hears("At the libary");
      await correct(bob, "At the libary", "At the library");
      for (const person of both) await expectCorrected(person, "At the libary", "At the library");
    });

    await test.step("retraction", async () => {
      await alice.say("Never mind");
      await bob.hears("Never mind");
      await retract(alice, "Never mind");
      for (const person of both) await expect(person.message("Never mind")).toHaveCount(0);
      await expect(tombstones(alice)).toHaveText("You have removed a message");
      await expect(tombstones(bob)).toHaveText(`${names.alice} has removed a message`);
    });

    const last = async (person: Person) => {
      await expect(tombstones(person)).toHaveText(`${person === alice ? "You have" : `${names.alice} has`} removed a message`);
      await expectReactions(person, "meet at nine", ["👍 1"]);
      await expectReply(person, "Make it ten", names.alice, "Shall we meet at nine?");
      await expectCorrected(person, "At the libary", "At the library");
      expect(await person.conversation()).toEqual(["Shall we meet at nine?", "Make it ten", "At the library"]);
    };

    await test.step("again after a reload, and from the archive alone", async () => {
      await alice.page.reload();
      await alice.ready();
      await last(alice);
      for (const person of both) {
        await clearStorage(person);
        await person.page.goto("/");
        await person.ready();
        await comeBack(person);
        await last(person);
      }
    });
  });
}
