// What people do with a message that was said: react to it, answer it, correct
// it, take it back. Both sides see the same, and see it again from the archive.

import { bubble, choose, correct, expectReactions, react, reply, retract, tombstones } from "./support/messages.ts";
import { clearStorage } from "./support/storage.ts";
import { enterRoom, expect, makeRoom, names, type Person, test, type User } from "./support/test.ts";

/** Makes a room, to which bob comes. */
async function meetInRoom(alice: Person, visit: (user: User) => Promise<Person>): Promise<Person> {
  await makeRoom(alice, "Book club");
  const bob = await visit("bob");
  await bob.signIn();
  await enterRoom(bob, "Book club");
  return bob;
}

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

/** Holds back the answer to the question by which a page that was loaded again asks a room whether it is still in it. */
async function holdSelfPing(person: Person): Promise<{ asked: Promise<void>; release: () => void }> {
  let release!: () => void;
  const released = new Promise<void>((resolve) => (release = resolve));
  let noteAsked!: () => void;
  const asked = new Promise<void>((resolve) => (noteAsked = resolve));
  await person.context.routeWebSocket(/\/xmpp-websocket/, (page) => {
    const server = page.connectToServer();
    let id: string | undefined;
    page.onMessage((data) => {
      const text = String(data);
      if (text.includes("urn:xmpp:ping") && text.includes("@conference.")) {
        id = text.match(/id="([^"]+)"/)![1];
        noteAsked();
      }
      server.send(data);
    });
    server.onMessage((data) => {
      if (id && String(data).includes(`id="${id}"`)) void released.then(() => page.send(data));
      else page.send(data);
    });
  });
  return { asked, release };
}

/** Who took messages back, in words, is all that is left of them. */
async function expectTakenBack(person: Person, count: number): Promise<void> {
  await expect(tombstones(person)).toHaveText(Array<string>(count).fill(person.user === "alice" ? "You deleted your message." : `${names.alice} deleted their message.`));
}

// what comes before the page has read what it knew of the room is from the same
// person as what the archive says once more.
async function reactWhileLoading(alice: Person, bob: Person): Promise<void> {
  await alice.say("Who brings the cake?");
  await bob.hears("Who brings the cake?");
  const { asked, release } = await holdSelfPing(alice);
  await alice.page.reload();
  await asked;
  await react(bob, "brings the cake", "👍");
  await expectReactions(bob, "brings the cake", ["👍 1"]);
  release();
  await expectReactions(alice, "brings the cake", ["👍 1"]);
  await bob.say("I do"); // comes after whatever the archive says
  await alice.hears("I do");
  await react(bob, "brings the cake", "❤️");
  await expectReactions(alice, "brings the cake", ["👍 1", "❤️ 1"]);
}

// XEP-0308 §4, XEP-0424 §6: between two people it is the account that counts.
async function useAnotherDevice(alice: Person, bob: Person): Promise<void> {
  await alice.say("Under the brigde");
  await bob.hears("Under the brigde");
  const other = await alice.newTab();
  await other.page.goto("/");
  await other.ready();
  await other.talkTo("bob");
  await other.hears("Under the brigde");
  await correct(other, "Under the brigde", "Under the bridge");
  for (const person of [bob, alice]) await expectCorrected(person, "Under the brigde", "Under the bridge");
  await retract(other, "Under the bridge");
  for (const person of [bob, alice]) await expectTakenBack(person, 2);
}

/** What both do with messages where they are. */
async function discuss(alice: Person, bob: Person): Promise<void> {
  const both = [alice, bob];
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
    await reply(bob, "meet at nine", "Make it tan");
    await alice.hears("Make it tan");
    await correct(bob, "Make it tan", "Make it ten"); // XEP-0461 §3.1: what it quotes is not part of what is seen
    for (const person of both) await expectCorrected(person, "Make it tan", "Make it ten");
    for (const person of both) await expectReply(person, "Make it ten", names.alice, "Shall we meet at nine?");
  });

  await test.step("correction", async () => {
    await bob.say("At the libary");
    await alice.hears("At the libary");
    await alice.say("By tram");
    await bob.hears("By tram");
    await correct(bob, "At the libary", "At the library");
    for (const person of both) await expectCorrected(person, "At the libary", "At the library");
    await react(alice, "At the library", "👍"); // her page had it by the id of the edit
    for (const person of both) await expectReactions(person, "At the library", ["👍 1"]);
  });

  await test.step("retraction", async () => {
    await alice.say("Never mind");
    await bob.hears("Never mind");
    await retract(alice, "Never mind");
    for (const person of both) await expect(person.message("Never mind")).toHaveCount(0);
    for (const person of both) await expectTakenBack(person, 1);
  });

  await test.step("a reaction to what was said before, which stays where it is", async () => {
    await alice.say("See you there");
    await bob.hears("See you there");
    await react(bob, "By tram", "🙏");
    for (const person of both) await expectReactions(person, "By tram", ["🙏 1"]);
  });
}

/** What both see of that afterwards, whenever they come. */
async function expectDiscussion(person: Person, before: string[], after: string[]): Promise<void> {
  await expectTakenBack(person, 1);
  await expectReactions(person, "meet at nine", ["👍 1"]);
  await expectReactions(person, "By tram", ["🙏 1"]);
  await expectReactions(person, "At the library", ["👍 1"]);
  await expectReply(person, "Make it ten", names.alice, "Shall we meet at nine?");
  await expectCorrected(person, "At the libary", "At the library");
  await expect.poll(() => person.conversation()).toEqual([...before, "Shall we meet at nine?", "Make it ten", "At the library", "By tram", "See you there", ...after]);
}

test("what is done with messages in a room and in a chat, and what both see of it afterwards", async ({ visit }) => {
  const alice = await visit("alice");
  await alice.page.clock.install(); // before there is a page, whose timers would go by two clocks
  await alice.signIn();
  const bob = await meetInRoom(alice, visit);
  const both = [alice, bob];
  await test.step("a reaction that comes while a page is loaded counts once", () => reactWhileLoading(alice, bob));
  await test.step("in the room", () => discuss(alice, bob));
  await alice.talkTo("bob");
  await bob.talkTo("alice");
  await test.step("in the chat", () => discuss(alice, bob));
  await test.step("what became of the last one stands below its reactions", async () => {
    await react(bob, "See you there", "👍");
    await expectReactions(alice, "See you there", ["👍 1"]);
    await expect.poll(() => bubble(alice, "See you there").evaluate((message) => {
      const content = message.querySelector(".chat-msg__content")!;
      const below = content.getBoundingClientRect().bottom - content.querySelector("converse-reactions")!.getBoundingClientRect().bottom;
      return [getComputedStyle(content, "::after").content, below > 8];
    })).toEqual(['"Read"', true]);
  });

  const ends: string[] = [];
  const inChat = (person: Person) => expectDiscussion(person, [], ends);
  const inRoom = async (person: Person) => {
    await enterRoom(person, "Book club");
    await expectDiscussion(person, ["Who brings the cake?", "I do"], []);
    await expectReactions(person, "brings the cake", ["👍 1", "❤️ 1"]);
  };
  const inBoth = async (person: Person) => {
    await inRoom(person);
    await person.talkTo(person === alice ? "bob" : "alice");
    await inChat(person);
  };

  // Converse lets go of what was taken back after ten seconds, and after ten more on the next page.
  await test.step("again after a reload, and some time", async () => {
    await alice.page.clock.fastForward(20_000);
    for (const person of both) {
      for (let times = 0; times < 2; times++) { // what the first page did with what came again, the second shows
        await person.page.reload();
        await person.ready();
        await inChat(person);
        if (person === alice) await alice.page.clock.fastForward(12_000); // less than Converse waits for an answer
        await inBoth(person);
      }
      await person.say(`${person.name} goes`); // drawn after whatever the time brought
      ends.push(`${person.name} goes`);
      await inChat(person);
    }
  });
  await test.step("and from the archive alone", async () => {
    for (const person of both) {
      await clearStorage(person);
      await person.page.goto("/");
      await person.ready();
      await inBoth(person);
    }
  });
  await test.step("what was said on one device is edited and taken back on another", () => useAnotherDevice(alice, bob));
});

test("a link to the site itself opens in the same page, and any other in a tab of its own", async ({ alice, site }) => {
  const { page } = alice;
  await makeRoom(alice, "Book club");
  await alice.say("The kettle is on");
  await alice.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await choose(alice, "kettle is on", "Copy link");
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toContain("?at=");
  const link = new URL(await page.evaluate(() => navigator.clipboard.readText()));
  await alice.talkTo("bob");
  for (const text of [link.href, `${site.url}/people`, `${site.url}/chat/with/carol`, "https://example.org/kettle"]) await alice.say(text);
  const said = (text: string) => alice.page.locator("#chat .chat-msg__text a").and(page.locator(`[href="${text}"]`));
  await expect(said("https://example.org/kettle")).toHaveAttribute("target", "_blank");
  await expect(said("https://example.org/kettle")).toHaveAttribute("rel", /noopener/);
  await page.evaluate(() => Object.assign(window, { isSame: true }));
  const goes = async (text: string, whose: string, address: RegExp) => {
    await said(text).click();
    await expect(page.locator("#chat .chat-head").getByText(whose, { exact: true }).filter({ visible: true })).toBeVisible();
    await expect(page).toHaveURL(address);
  };
  await goes(link.href, "Book club", /\/$/); // in the panel beside the page
  await expect(alice.message("The kettle is on")).toBeInViewport();
  await alice.goTo("Chat");
  await alice.talkTo("bob");
  await goes(`${site.url}/chat/with/carol`, names.carol, /\/chat\/with\/carol$/); // which was never open
  await page.goBack();
  await expect(said(link.href)).toBeVisible();
  for (let i = 0; i < 2; i++) { // and once more, where the address is the same
    const found = alice.marked();
    await goes(link.href, "Book club", /\/chat\/room\/book-club-\w+\?at=/);
    expect(await found).toContain("The kettle is on");
    await alice.talkTo("bob");
  }
  await said(`${site.url}/people`).click();
  await expect(page).toHaveURL(/\/people$/);
  await expect(page.locator('body[data-page="people"]')).toBeAttached();
  expect(await page.evaluate(() => "isSame" in window), "the page is the same").toBe(true);
  expect(alice.context.pages().length).toBe(1);
});

test("what is answered stands in plain words, and leads to its place", async ({ alice, visit }) => {
  const bob = await meetInRoom(alice, visit);
  await alice.say("Bring the *cake*");
  await bob.hears("Bring the");
  await choose(bob, "Bring the", "Reply");
  await expect(bob.page.locator("#chat .reply-preview__text")).toHaveText("Bring the cake");
  await bob.say("With cream");
  await alice.page.locator("#chat input[type=file]").setInputFiles({ name: "recipe.txt", mimeType: "text/plain", buffer: Buffer.from("Flour") });
  await alice.input().press("Enter");
  await choose(bob, "recipe.txt", "Reply");
  await expect(bob.page.locator("#chat .reply-preview__text")).toHaveText("📎 recipe.txt");
  await bob.say("Thank you");
  for (const person of [alice, bob]) {
    await expectReply(person, "With cream", names.alice, "Bring the cake");
    await expectReply(person, "Thank you", names.alice, "📎 recipe.txt");
  }
  // A screen reader meets each message by who said it, and hears of one that comes, once.
  await expect(alice.page.getByRole("article", { name: /^Bob Baker, \d\d:\d\d$/ }).filter({ hasText: "With cream" })).toHaveCount(1);
  await expect(alice.page.locator("#chat .chat-msg").getByRole("img", { name: /picture|Bob Baker|Alice Adler/ })).toHaveCount(0); // the name stands beside it
  await expect(alice.page.locator("#chat converse-message-history").filter({ visible: true })).toHaveAttribute("aria-live", "off");
  // What is cut is cut at its end, in every script.
  await alice.say("מי מביא את העוגה?");
  await bob.hears("מי מביא את העוגה?");
  await reply(bob, "מי מביא", "I do");
  await expect(bubble(bob, "I do").locator(".chat-msg__reply-text")).toHaveCSS("direction", "rtl");
  await bob.say("אני");
  await expect(alice.listed("Book club").locator(".conversation-text")).toHaveText("אני");
  await expect(alice.page.getByRole("log", { name: "New messages" }).locator("p")).toHaveText(["With cream", "Thank you", "I do", "אני"].map((text) => `${names.bob}: ${text}`));
  await expect(alice.listed("Book club").locator(".conversation-text")).toHaveCSS("direction", "rtl");
  // What can be done with a long message is in sight wherever one reads it.
  await alice.say(Array(60).fill("on and on").join("\n"));
  await bob.hears("on and on");
  const long = bubble(bob, "on and on");
  const { x, y, height } = (await long.locator(".chat-msg__text").boundingBox())!;
  await bob.page.mouse.move(x + 20, y + height - 10);
  await expect(long.locator(".message-bar")).toBeInViewport({ ratio: 1 });
  // Of what was edited, the author's browser and another's have different ids; either answers it.
  for (const [person, wrong, right, answer] of [[alice, "Two loafs", "Two loaves", "As large as last time"], [bob, "Some aples", "Some apples", "Red ones"]] as const) {
    await alice.say(wrong);
    await bob.hears(wrong);
    await correct(alice, wrong, right);
    await expectCorrected(bob, wrong, right);
    await reply(person, right, answer);
    for (const each of [alice, bob]) await expectReply(each, answer, names.alice, right);
  }
  await alice.say("Pears");
  await reply(bob, "Pears", "How many");
  await alice.hears("How many");
  await alice.input().press("ArrowUp");
  await expect(alice.input()).toHaveValue("Pears");
  await alice.type("Six pears");
  for (const each of [alice, bob]) await expectReply(each, "How many", names.alice, "Six pears");
  for (const person of [alice, bob]) {
    await clearStorage(person); // all comes from the archive
    await person.page.goto("/");
    await person.ready();
    await enterRoom(person, "Book club");
    await expectReply(person, "As large as last time", names.alice, "Two loaves");
    await expectReply(person, "Red ones", names.alice, "Some apples");
  }
  const found = alice.marked();
  await bubble(alice, "With cream").getByRole("button", { name: "Bring the cake" }).press("Enter");
  expect(await found).toContain("*cake*");
});
