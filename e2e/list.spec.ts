// The list of conversations: complete, the latest first, and with an address each.

import { violations } from "./support/axe.ts";
import { Client } from "./support/client.ts";
import type { Database } from "./support/cluster.ts";
import { expect, inBothThemes, makeRoom, names, type Person, test } from "./support/test.ts";
import { chooseAbove } from "./support/rooms.ts";

/** The names of people and rooms in the list, from top to bottom. */
const listed = (person: Person) => person.page.locator("#conversations .conversation .conversation-name");

/** What a row says below the name. */
const line = (person: Person, name: string) => person.listed(name).locator(".conversation-line");

/** The field above the list. */
const fieldOf = (person: Person) => person.page.getByRole("searchbox", { name: "Find people, rooms and messages" });

const screens = { phone: { width: 390, height: 844 }, wide: { width: 1440, height: 900 } };

test.use({ contextOptions: { viewport: screens.wide } });

test("the latest conversation is on top, with what was said, however quick a reload is", async ({ alice, site }) => {
  const bob = await Client.signIn(site, "bob");
  await bob.say("*Bring* the _big `red`_ pot");
  await expect(alice.page).toHaveTitle(/^\(1\)/);
  await alice.page.goto("/chat");
  await expect(listed(alice)).toHaveText(["Bob Baker", "Carol Costa", "Dave Dunn", "Lobby"]);
  await expect(alice.listed("Bob Baker").locator(".conversation-unread")).toHaveText("1");

  await test.step("what was said is plain text, as the site told it and as the page heard it", async () => {
    await expect(line(alice, "Bob Baker")).toHaveText("Bring the big red pot");
    await alice.listed("Carol Costa").click();
    await expect(alice.input()).toBeVisible();
    await bob.say("~Two~ *three* pots");
    await expect(line(alice, "Bob Baker")).toHaveText("Two three pots");
  });

  await test.step("it is there at once after a reload, and so is the conversation", async () => {
    await alice.listed("Bob Baker").click();
    await expect(alice.page).toHaveURL(/\/chat\/with\/bob$/);
    await alice.say("I am on my way");
    for (let i = 0; i < 3; i++) {
      await alice.page.reload({ waitUntil: "domcontentloaded" });
      await expect(line(alice, "Bob Baker")).toHaveText("You: I am on my way");
    }
    await expect(alice.message("I am on my way")).toBeVisible();
    await expect(alice.page.locator("#conversations .conversation-unread")).toHaveCount(0);
  });

  await test.step("Back and Forward go through conversations", async () => {
    const open = (user: string) => expect(alice.page.locator(`#chat converse-chat[jid="${user}@localhost"]`)).toBeVisible();
    await alice.listed("Carol Costa").click();
    await open("carol");
    await expect(alice.page).toHaveURL(/\/chat\/with\/carol$/);
    await alice.page.goBack();
    await expect(alice.page).toHaveURL(/\/chat\/with\/bob$/);
    await open("bob");
    await alice.page.goForward();
    await open("carol");
  });

  await test.step("what is pinned stays on top, and what is muted says so", async () => {
    await alice.listed("Dave Dunn").click();
    await expect(alice.page.locator('#chat converse-chat[jid="dave@localhost"]')).toBeVisible();
    await expect(alice.input()).toBeVisible();
    await expect(listed(alice).first()).toHaveText(names.bob);
    await chooseAbove(alice, "Pin to the top");
    await expect(listed(alice).first()).toHaveText("Dave Dunn");
    const level = (name: string) => alice.page.locator("#chat .chat-head").getByRole("radio", { name: `Notifications: ${name}` });
    await alice.say("See you there");
    await expect(line(alice, "Dave Dunn")).toHaveText("You: See you there");
    await chooseAbove(alice, "Notifications: all messages"); // as it is
    await expect(level("all messages")).toBeChecked();
    await level("none").click(); // the menu is open yet
    await expect(level("none")).toBeChecked();
    await expect(level("all messages")).not.toBeChecked();
    await expect(alice.listed("Dave Dunn")).toHaveClass(/is-muted/);
    await inBothThemes(alice.page, async (theme) => expect(await violations(alice.page, theme), theme).toEqual([]));
    await alice.page.keyboard.press("Escape");
  });

  const said = `@${names.alice} and *everybody*: tonight!`;
  await test.step("rooms stand among people, with who spoke and who was mentioned", async () => {
    await alice.goTo("Home");
    await makeRoom(alice, "Book club");
    const row = alice.listed("Book club");
    const room = (await row.getAttribute("data-jid")) as `${string}@${string}`;
    await bob.enter(room);
    await alice.goTo("Chat");
    await alice.listed("Carol Costa").click();
    await expect(alice.page.locator('#chat converse-chat[jid="carol@localhost"]')).toBeVisible();
    await bob.say(`${names.alice}, have you read it?`, room);
    await expect(row.locator(".conversation-line")).toHaveText(`Bob Baker: ${names.alice}, have you read it?`);
    await expect(row.locator(".conversation-mention")).toBeVisible();
    await bob.say(said, room);
    await expect(row.locator(".conversation-line")).toHaveText(`Bob Baker: @${names.alice} and everybody: tonight!`);
  });

  await test.step("all of it is so on a page that is loaded then, as on another device", async () => {
    await alice.page.reload();
    await expect(line(alice, "Book club")).toHaveText(`Bob Baker: @${names.alice} and everybody: tonight!`);
    await expect(listed(alice)).toHaveText(["Dave Dunn", "Book club", "Bob Baker", "Carol Costa", "Lobby"]);
    await expect(alice.listed("Dave Dunn")).toHaveAccessibleName(/pinned, muted/);
  });

  // XEP-0245, as in the conversation.
  await test.step("what somebody does is read after their name, in the list and where it is searched for, and on a page that is loaded then", async () => {
    const room = (await alice.listed("Book club").getAttribute("data-jid")) as `${string}@${string}`;
    await bob.say("/me nods", room);
    await bob.say("/me waves");
    await expect(line(alice, "Book club")).toHaveText("Bob Baker nods");
    await expect(line(alice, "Bob Baker")).toHaveText("Bob Baker waves");
    await alice.listed("Bob Baker").click();
    await alice.type("/me waves back");
    await expect(line(alice, "Bob Baker")).toHaveText(`${names.alice} waves back`);
    await alice.page.goto("/chat");
    await expect(line(alice, "Bob Baker")).toHaveText(`${names.alice} waves back`);
    await expect(line(alice, "Book club")).toHaveText("Bob Baker nods");
    await alice.listed("Dave Dunn").click();
    await expect(alice.page.locator('#chat converse-chat[jid="dave@localhost"]')).toBeVisible();
    await alice.page.keyboard.press("Control+k");
    const search = alice.page.getByRole("dialog", { name: "Search" });
    await expect(search.locator(".search-option").filter({ hasText: "Book club" })).toContainText("Bob Baker nods");
    await alice.page.locator("#search-words").fill("waves");
    await expect(search.getByRole("group", { name: "Messages" }).locator(".search-text")).toHaveText([`${names.alice} waves back`, "Bob Baker waves"]);
  });
});

test("what is typed finds people, rooms and messages, with the keyboard alone", async ({ alice, site }) => {
  const { page } = alice;
  const bob = await Client.signIn(site, "bob");
  await bob.makeRoom("Kitchen garden");
  for (const text of ["The kettle is on", "A kettle of soup", "Whose kettle?", "No *kettle* here"]) await bob.say(text);
  await page.goto("/chat");
  const field = fieldOf(alice);
  await expect(line(alice, "Bob Baker")).toHaveText("No kettle here");

  await test.step("back to the last conversations, before anything is typed", async () => {
    await alice.listed("Bob Baker").click();
    await expect(alice.input()).toBeVisible();
    await alice.listed("Carol Costa").click();
    await expect(page.locator('#chat converse-chat[jid="carol@localhost"]')).toBeVisible();
    await page.keyboard.press("Control+k");
    const search = page.getByRole("dialog", { name: "Search" });
    const last = search.getByRole("group", { name: "Last conversations" }).getByRole("option");
    await expect(last.first()).toContainText("No kettle here");
    await expect(last.first()).toHaveAttribute("aria-selected", "true");
    await inBothThemes(page, async (theme) => expect(await violations(page, theme), theme).toEqual([]));
    await page.keyboard.press("Enter");
    await expect(search).toBeHidden();
    await expect(page.locator('#chat converse-chat[jid="bob@localhost"]')).toBeVisible();
    await expect(page).toHaveURL(/\/chat\/with\/bob$/);
    await page.keyboard.press("Control+k");
    await expect(search.getByRole("status")).toHaveText("Type a name, or words of a message.");
    await expect(last.filter({ hasText: "Bob Baker" })).toHaveCount(0); // it is open
    await page.keyboard.press("Escape");
  });

  await test.step("people and rooms", async () => {
    await field.pressSequentially("kitch");
    await expect(listed(alice)).toHaveText(["Kitchen garden"]);
    await expect(page.locator("#conversations-count")).toHaveText("1 person or room found.");
    await field.dispatchEvent("keydown", { key: "Enter", isComposing: true }); // an input method's
    await expect(field).toHaveValue("kitch");
    await field.press("Enter");
    await expect(alice.room("Kitchen garden")).toBeVisible();
    await expect(field).toHaveValue("");
    await field.fill("nobody like that");
    await expect(page.locator("#conversations-empty")).toContainText("No person or room matches");
    await field.press("Escape");
    await expect(listed(alice)).not.toHaveCount(0);
    await field.press("ArrowDown");
    await expect(page.locator("#conversations a.conversation").first()).toBeFocused();
  });

  const all = page.getByRole("button", { name: "Search messages for “kettle”" });
  await test.step("messages, below them", async () => {
    const hits = page.locator("#conversations a.conversation-hit");
    await field.fill("kettle");
    await expect(hits).toHaveCount(3);
    await expect(hits.first()).toHaveAccessibleName(/^Bob Baker \d\d:\d\d No kettle here$/);
    await expect(hits.first().locator("mark")).toHaveText("kettle");
    await expect(page.locator("#conversations-empty")).toHaveText("No person or room matches “kettle”.");
    await expect(page.locator("#conversations-count")).toHaveText("3 messages found.");
    await inBothThemes(page, async (theme) => {
      if (process.env["SHOTS"]) await page.screenshot({ path: `${process.env["SHOTS"]}/hits-${theme}.png` });
      expect(await violations(page, theme), theme).toEqual([]);
    });
  });

  await test.step("all messages, in the search; and one of them at its place", async () => {
    await field.press("ArrowDown");
    await expect(all).toBeFocused();
    await all.press("Enter");
    const search = page.getByRole("dialog", { name: "Search" });
    await expect(search.getByRole("combobox", { name: /Search people/ })).toHaveValue("kettle");
    await expect(search.locator(".search-option")).toHaveCount(4);
    await search.getByRole("checkbox", { name: "Files" }).check(); // how a search was narrowed says nothing of the next
    await page.keyboard.press("Escape");
    await expect(all).toBeFocused();
    await all.press("Enter");
    await expect(search.locator(".search-option")).toHaveCount(4);
    await page.keyboard.press("Escape");
    await all.press("ArrowDown");
    const found = alice.marked();
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(/\/chat\/with\/bob\?at=/);
    expect(await found).toContain("No *kettle* here"); // with its signs, which are not shown
    await expect(alice.message("No *kettle* here")).toBeInViewport();
  });
});

test.describe("phone", () => {
  test.use({ contextOptions: { viewport: screens.phone } });

  test("on a phone, the list gives way to a conversation and comes back", async ({ alice, site }) => {
    const { page } = alice;
    const bob = await Client.signIn(site, "bob");
    await bob.say("hello");
    await page.goto("/chat");
    await expect(listed(alice)).toHaveText(["Bob Baker", "Carol Costa", "Dave Dunn", "Lobby"]);
    await fieldOf(alice).fill("hello");
    await expect(page.locator("#conversations a.conversation-hit")).toHaveCount(1);
    expect(await violations(page)).toEqual([]);
    await fieldOf(alice).press("Escape");
    await alice.listed(names.bob).click();
    await expect(alice.input()).toBeVisible();
    await expect(page.locator("#conversations")).toBeHidden();
    await page.goBack();
    await expect(page).toHaveURL(/\/chat$/);
    await expect(page.locator("#conversations")).toBeVisible();
    await page.goForward();
    await expect(alice.input()).toBeVisible();
    await expect(page.locator("#conversations")).toBeHidden();
    await page.locator("#chat converse-controlbox-navback").first().click();
    await expect(page.locator("#conversations")).toBeVisible();
    await expect(page).toHaveURL(/\/chat$/);
    await alice.listed("Lobby").click();
    await expect(alice.room("Lobby")).toBeVisible();
    await expect(page).toHaveURL(/\/chat\/room\/lobby$/);

    await test.step("a conversation opens by its address, and again after reloads", async () => {
      await alice.say("first");
      await page.goto("/chat/with/bob");
      await alice.hears("hello");
      await expect(page).toHaveTitle(/Bob Baker/);
      await alice.say("here I am");
      for (let i = 0; i < 2; i++) await page.reload({ waitUntil: "domcontentloaded" });
      await expect(alice.message("here I am")).toBeVisible();
      await expect(page.locator("#conversations .conversation-unread")).toHaveCount(0);
    });

    await test.step("Back goes to the one before", async () => {
      await page.goBack();
      await expect(alice.room("Lobby")).toBeVisible();
      await alice.hears("first");
    });
  });
});

// All that scrolls in sight are elements (static/js/chat/list/rows.js).
test("a list of 5,000 has elements for what is in sight, to its end, and is one stop of Tab", async ({ alice }) => {
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

  const { keyboard } = alice.page;
  const stops = alice.page.locator('#conversations-list [tabindex="0"]');
  await expect(stops).toHaveCount(1); // somewhere in sight, whichever row that is
  const field = fieldOf(alice);
  await field.focus();
  await keyboard.press("ArrowDown");
  await expect(row(1)).toBeFocused();
  await expect(row(1)).toBeInViewport();
  await keyboard.press("ArrowDown");
  await expect(row(2)).toBeFocused();
  await expect(stops).toHaveCount(1);
  await expect(row(2)).toHaveAttribute("tabindex", "0");
  await keyboard.press("End");
  const last = alice.listed(names.dave); // with whom nothing was said
  await expect(last).toBeFocused();
  await expect(last).toBeInViewport();
  for (const _ of [names.dave, names.carol, names.bob]) await keyboard.press("ArrowUp");
  await expect(row(COUNT)).toBeFocused();
  await keyboard.press("Home");
  await expect(row(1)).toBeFocused();
  await keyboard.press("ArrowUp");
  await expect(field).toBeFocused();
  await keyboard.press("ArrowDown");
  await keyboard.press("Tab");
  await expect(alice.page.locator("#conversations :focus")).toHaveCount(0); // in the conversation, or behind it
  await keyboard.press("Shift+Tab");
  await expect(row(1)).toBeFocused();
  expect(await violations(alice.page)).toEqual([]);
  await keyboard.press("ArrowDown");
  await keyboard.press("Enter");
  await expect(row(2)).toHaveAttribute("aria-current", "true");
  await field.focus();
  await expect(row(2)).toHaveAttribute("tabindex", "0"); // the one that is open
  await expect(stops).toHaveCount(1);
});

/** Conversations of alice's with so many people, the last of whom is the latest; the first has written what nobody read. */
async function talkWithMany(database: Database, count: number): Promise<void> {
  const at = "(lpad(to_hex(1790000000000 + 60000 * i), 12, '0') || '7000800000000000' || lpad(to_hex(i), 4, '0'))::uuid";
  await database.query("UPDATE accounts SET unread_from = '00000000-0000-0000-0000-000000000000' WHERE username = 'alice'");
  await database.query(`INSERT INTO accounts (username, name, password_hash) SELECT 'p' || i, 'Person ' || i, 'x' FROM generate_series(1, ${count}) i`);
  await database.query(`INSERT INTO conversations (owner, peer, latest) SELECT 'alice@localhost', 'p' || i || '@localhost', ${at} FROM generate_series(1, ${count}) i`);
  await database.query(`INSERT INTO archive (owner, id, peer, resource, outgoing, stanza_id, body, stanza)
    SELECT 'alice@localhost', ${at}, 'p' || i || '@localhost', 'r', i > 1, 'm' || i, 'It is ' || i,
      convert_to('<message xmlns="jabber:client" type="chat" id="m' || i || '"><body>It is ' || i || '</body></message>', 'UTF8') FROM generate_series(1, ${count}) i`);
}

/** How many rows the list has, those in sight and all others. */
const sizeOfList = async ({ page }: Person) => Number(await page.locator("#conversations-list li").first().getAttribute("aria-setsize"));

/** Scrolls the list to its end until it has so many rows, the last of them the first person whom alice talked with. */
async function scrollToFirst(alice: Person, rows: number): Promise<void> {
  await expect(async () => {
    await alice.page.locator("#conversations-list").evaluate((list) => list.scrollTo(0, 1e6));
    await expect(alice.listed("Person 1")).toBeInViewport({ timeout: 500 });
    expect(await sizeOfList(alice)).toBe(rows);
  }).toPass();
}

test.describe("on a site whose people do not know each other", () => {
  test.use({ settings: { ROSTER: "none" } });

  test("of many conversations those that are unread are there, however old, and the others as one scrolls", async ({ visit, database }) => {
    const COUNT = 230;
    await talkWithMany(database, COUNT);
    const alice = await visit("alice");
    const { page } = alice;
    await alice.getCookie();
    await page.goto("/chat");
    await expect(alice.listed(`Person ${COUNT}`)).toBeVisible();
    await expect(page).toHaveTitle(/^\(1\)/); // from the one who wrote first
    const before = await sizeOfList(alice);
    expect(before).toBeLessThan(COUNT);
    await scrollToFirst(alice, before + COUNT - 101); // the latest hundred and the one were there
    await expect(alice.listed("Person 1").locator(".conversation-unread")).toHaveText("1");
    await expect(alice.listed("Person 2")).toBeInViewport();
  });

  test("whoever talked with 1,500 people comes to all of them by scrolling", async ({ visit, database }) => {
    const COUNT = 1500;
    await talkWithMany(database, COUNT);
    const alice = await visit("alice");
    await alice.getCookie();
    await alice.page.goto("/chat");
    await expect(alice.listed(`Person ${COUNT}`)).toBeVisible();
    const before = await sizeOfList(alice);
    expect(before).toBeLessThan(200);
    await scrollToFirst(alice, before + COUNT - 100);
    expect(await alice.page.locator("#conversations-list li").count()).toBeLessThan(50);
    await expect(alice.listed("Person 2")).toBeInViewport();
  });
});
