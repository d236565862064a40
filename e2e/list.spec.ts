// The list of conversations: complete, the latest first, and with an address each.

import { violations } from "./support/axe.ts";
import { expect, inBothThemes, joinRoom, makeRoom, names, type Person, test } from "./support/test.ts";
import { chooseAbove } from "./support/rooms.ts";

/** The names of people and rooms in the list, from top to bottom. */
const listed = (person: Person) => person.page.locator("#conversations .conversation .conversation-name");

/** What a row says below the name. */
const line = (person: Person, name: string) => person.listed(name).locator(".conversation-line");

/** The field above the list. */
const fieldOf = (person: Person) => person.page.getByRole("searchbox", { name: "Find people, rooms and messages" });

const screens = { phone: { width: 390, height: 844 }, wide: { width: 1440, height: 900 } };

for (const [screen, viewport] of Object.entries(screens)) {
  test.describe(screen, () => {
    test.use({ contextOptions: { viewport } });

    test("the latest conversation is on top, with what was said, however quick a reload is", async ({ alice, bob }) => {
      await bob.talkTo("alice");
      await bob.say("Is anybody there?");
      await expect(alice.page).toHaveTitle(/^\(1\)/);
      await alice.page.goto("/chat");
      await expect(listed(alice)).toHaveText(["Bob Baker", "Carol Costa", "Dave Dunn", "Lobby"]);
      await expect(line(alice, "Bob Baker")).toHaveText("Is anybody there?");
      await expect(alice.listed("Bob Baker").locator(".conversation-unread")).toHaveText("1");

      await alice.listed("Bob Baker").click();
      await expect(alice.page).toHaveURL(/\/chat\/with\/bob$/);
      await alice.say("I am");
      for (let i = 0; i < 3; i++) {
        await alice.page.reload({ waitUntil: "domcontentloaded" });
        if (screen === "wide") await expect(line(alice, "Bob Baker")).toHaveText("You: I am");
      }
      await expect(alice.message("I am")).toBeVisible(); // its address is open again
      await expect(alice.page.locator("#conversations .conversation-unread")).toHaveCount(0);
    });

    test("messages are found below people and rooms, with the keyboard alone", async ({ alice, bob }) => {
      await bob.talkTo("alice");
      for (const text of ["The kettle is on", "A kettle of soup", "Whose kettle?", "No *kettle* here"]) await bob.say(text);
      await alice.page.goto("/chat");
      await expect(alice.listed("Bob Baker")).toBeVisible();
      const hits = alice.page.locator("#conversations a.conversation-hit");
      const all = alice.page.getByRole("button", { name: "Search messages for “kettle”" });
      await fieldOf(alice).fill("kettle");
      await expect(hits).toHaveCount(3);
      await expect(hits.first()).toHaveAccessibleName(/^Bob Baker \d\d:\d\d No kettle here$/);
      await expect(hits.first().locator("mark")).toHaveText("kettle");
      await expect(alice.page.locator("#conversations-empty")).toHaveText("Nobody and no room has “kettle” in its name.");
      await expect(alice.page.locator("#conversations-count")).toHaveText("3 messages found.");
      await inBothThemes(alice.page, async (theme) => {
        if (process.env["SHOTS"]) await alice.page.screenshot({ path: `${process.env["SHOTS"]}/hits-${screen}-${theme}.png` });
        expect(await violations(alice.page), theme).toEqual([]);
      });

      await fieldOf(alice).press("ArrowDown");
      await expect(all).toBeFocused();
      await all.press("Enter");
      const search = alice.page.getByRole("dialog", { name: "Search" });
      await expect(search.getByRole("combobox", { name: /Search people/ })).toHaveValue("kettle");
      await expect(search.locator(".search-option")).toHaveCount(4);
      await search.getByRole("checkbox", { name: "Files" }).check(); // how a search was narrowed says nothing of the next
      await alice.page.keyboard.press("Escape");
      await expect(all).toBeFocused();
      await all.press("Enter");
      await expect(search.locator(".search-option")).toHaveCount(4);
      await alice.page.keyboard.press("Escape");
      await all.press("ArrowDown");
      const found = alice.page.waitForFunction(() => document.querySelector("converse-chat-message[data-found] .chat-msg__text")?.textContent?.trim()); // marked for a moment
      await alice.page.keyboard.press("Enter");
      await expect(alice.page).toHaveURL(/\/chat\/with\/bob\?at=/);
      expect(await (await found).jsonValue()).toBe("No *kettle* here"); // with its signs, which are not shown
      await expect(alice.message("No *kettle* here")).toBeInViewport();
    });

    test("a link to a conversation opens it after the sign-in, and Back goes to the one before", async ({ alice, bob }) => {
      await bob.talkTo("alice");
      await bob.say("hello");
      await bob.page.goto("/chat/room/lobby");
      await expect(bob.room("Lobby")).toBeVisible();
      await bob.say("first");
      await alice.page.goto("/chat/room/lobby");
      await expect(alice.room("Lobby")).toBeVisible();
      await alice.hears("first");
      await alice.page.goto("/chat/with/bob");
      await alice.hears("hello");
      await expect(alice.page).toHaveTitle(/Bob Baker/);
      await alice.page.goBack();
      await expect(alice.room("Lobby")).toBeVisible();
    });
  });
}

test("the list says what was said as plain text", async ({ alice, bob }) => {
  await bob.talkTo("alice");
  await bob.type("*Bring* the _big `red`_ pot");
  await alice.page.goto("/chat");
  await expect(line(alice, "Bob Baker")).toHaveText("Bring the big red pot"); // as the site told it
  await alice.listed("Carol Costa").click();
  await bob.type("~Two~ *three* pots");
  await expect(line(alice, "Bob Baker")).toHaveText("Two three pots"); // as the page heard it
});

test("rooms stand among people, with who spoke and who was mentioned", async ({ alice, bob }) => {
  await makeRoom(alice, "Book club");
  await joinRoom(bob, "Book club");
  await alice.page.goto("/chat");
  await alice.listed("Carol Costa").click();
  await expect(alice.input()).toBeVisible();
  await bob.say(`${names.alice}, have you read it?`);
  const row = alice.listed("Book club");
  await expect(row.locator(".conversation-line")).toHaveText(`Bob Baker: ${names.alice}, have you read it?`);
  await expect(row.locator(".conversation-mention")).toBeVisible();
  await bob.type(`@${names.alice} and *everybody*: tonight!`);
  await expect(row.locator(".conversation-line")).toHaveText(`Bob Baker: @${names.alice} and everybody: tonight!`);
  await alice.page.reload();
  await expect(row.locator(".conversation-line")).toHaveText(`Bob Baker: @${names.alice} and everybody: tonight!`); // as the site tells it
  await expect(listed(alice).first()).toHaveText("Book club");
});

test("what is typed finds people and rooms, with the keyboard alone", async ({ alice, bob }) => {
  await makeRoom(bob, "Kitchen garden");
  await alice.page.goto("/chat");
  const field = fieldOf(alice);
  await field.pressSequentially("kitch");
  await expect(listed(alice)).toHaveText(["Kitchen garden"]);
  await expect(alice.page.locator("#conversations-count")).toHaveText("1 person or room found.");
  await field.press("Enter");
  await expect(alice.room("Kitchen garden")).toBeVisible();
  await expect(field).toHaveValue("");
  await field.fill("nobody like that");
  await expect(alice.page.locator("#conversations-empty")).toContainText("Nobody and no room");
  await field.press("Escape");
  await expect(listed(alice)).not.toHaveCount(0);
  await field.press("ArrowDown");
  await expect(alice.page.locator("#conversations a.conversation").first()).toBeFocused();
});

test("Back and Forward go through conversations", async ({ alice }) => {
  await alice.page.goto("/chat");
  for (const name of [names.bob, names.carol]) {
    await alice.listed(name).click();
    await expect(alice.input()).toBeVisible();
  }
  await expect(alice.page).toHaveURL(/\/chat\/with\/carol$/);
  await alice.page.goBack();
  await expect(alice.page).toHaveURL(/\/chat\/with\/bob$/);
  await expect(alice.page.locator('#chat converse-chat[jid="bob@localhost"]')).toBeVisible();
  await alice.page.goForward();
  await expect(alice.page.locator('#chat converse-chat[jid="carol@localhost"]')).toBeVisible();
});

test("on a phone, the list gives way to a conversation and comes back", async ({ alice }) => {
  await alice.page.setViewportSize(screens.phone);
  await alice.page.goto("/chat");
  await alice.listed(names.bob).click();
  await expect(alice.input()).toBeVisible();
  await expect(alice.page.locator("#conversations")).toBeHidden();
  await alice.page.locator("#chat converse-controlbox-navback").first().click();
  await expect(alice.page.locator("#conversations")).toBeVisible();
  await expect(alice.page).toHaveURL(/\/chat$/);
  await enterRoomFromList(alice, "Lobby");
  await expect(alice.page).toHaveURL(/\/chat\/room\/lobby$/);
});

async function enterRoomFromList(person: Person, name: string): Promise<void> {
  await person.listed(name).click();
  await expect(person.room(name)).toBeVisible();
}

test("what is pinned stays on top, on every device, and what is muted says so", async ({ alice, bob }) => {
  await bob.talkTo("alice");
  await bob.say("the latest");
  await alice.page.goto("/chat");
  await expect(listed(alice).first()).toHaveText(names.bob);
  await alice.listed("Dave Dunn").click();
  await expect(alice.input()).toBeVisible();
  await chooseAbove(alice, "Pin to the top");
  await expect(listed(alice).first()).toHaveText("Dave Dunn");
  await chooseAbove(alice, "Notifications: all messages");
  await expect(alice.listed("Dave Dunn")).toHaveClass(/is-muted/);
  await alice.page.reload();
  await expect(listed(alice).first()).toHaveText("Dave Dunn");
  await expect(alice.listed("Dave Dunn")).toHaveAccessibleName(/pinned, muted/);
});

// All that scrolls in sight are elements (static/js/chat/list/rows.js).
test("a list of 5,000 has elements for what is in sight, to its end", async ({ alice }) => {
  const COUNT = 5000;
  const one = (i: number) => ({ jid: `member${i}@localhost`, name: `Member ${i}`, last: { id: String(i), at: new Date(1790000000000 - 60_000 * i).toISOString(), text: `I am ${i}` } });
  const conversations = Array.from({ length: COUNT }, (_, i) => one(i + 1));
  await alice.page.route("**/xmpp/conversations", (route) => route.fulfill({ json: { conversations } }));
  await alice.page.goto("/chat");
  const row = (i: number) => alice.page.locator(`#conversations a.conversation[data-jid="member${i}@localhost"]`);
  await expect(row(1)).toBeInViewport();
  const rows = alice.page.locator("#conversations-list li");
  expect(await rows.count()).toBeLessThan(60);
  const end = () => alice.page.locator("#conversations-list").evaluate((list) => list.scrollTo(0, list.scrollHeight));
  await end();
  await expect(row(COUNT)).toBeInViewport();
  await expect(row(1)).toHaveCount(0);
  expect(await rows.count()).toBeLessThan(60);
  await expect(alice.page.locator(`#conversations-list [aria-posinset="${COUNT}"]`)).toContainText(`Member ${COUNT}`);
});
