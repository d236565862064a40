// Search: over all of one's conversations and rooms, to the place where it was said.

import { violations } from "./support/axe.ts";
import { Client } from "./support/client.ts";
import { choose } from "./support/messages.ts";
import { expect, inBothThemes, makeRoom, type Person, screens, test } from "./support/test.ts";
import type { Database } from "./support/cluster.ts";

const COUNT = 400;

/** A long conversation of alice's with bob, a message a minute, and one of bob's with alice. */
async function longConversation(database: Database): Promise<void> {
  await database.query(
    `INSERT INTO archive (owner, id, peer, resource, outgoing, stanza_id, body, stanza)
     SELECT 'alice@localhost', id, 'bob@localhost', 'r', false, 'm' || i, body,
       convert_to('<message xmlns="jabber:client" type="chat" from="bob@localhost/r" to="alice@localhost" id="m' || i || '"><body>' || body || '</body></message>', 'UTF8')
     FROM (SELECT i, 'message ' || i || CASE WHEN i = 200 THEN ' about the Treasure map' ELSE '' END || '.' AS body,
       (lpad(to_hex(1790000000000 + 60000 * i), 12, '0') || '7000800000000000' || lpad(to_hex(i), 4, '0'))::uuid AS id FROM generate_series(1, $1::int) i) m`,
    COUNT,
  );
}

/** Something that bob said to alice, at a moment. */
async function saidAt(database: Database, at: string, text: string): Promise<void> {
  await database.query(
    `INSERT INTO archive (owner, id, peer, resource, outgoing, stanza_id, body, stanza)
     VALUES ('alice@localhost', (lpad(to_hex($1::bigint), 12, '0') || '70008000000000000000')::uuid, 'bob@localhost', 'r', false, $2, $3,
       convert_to('<message xmlns="jabber:client" type="chat" from="bob@localhost/r" to="alice@localhost" id="' || $2 || '"><body>' || $3 || '</body></message>', 'UTF8'))`,
    Date.parse(at), at, text,
  );
}

const dialog = (person: Person) => person.page.getByRole("dialog", { name: "Search" });
const found = (person: Person) => dialog(person).locator(".search-option");

async function searchFor(person: Person, words: string): Promise<void> {
  await person.page.keyboard.press("Control+k");
  await dialog(person).getByRole("combobox", { name: /Search people/ }).fill(words);
}

/** The message is in sight, with what was said before and after it. */
async function expectPlace(person: Person): Promise<void> {
  await expect(person.message("Treasure map")).toBeInViewport();
  for (const text of ["message 199.", "message 201."]) await expect(person.message(text)).toHaveCount(1);
  await expect(person.message("message 300.")).toHaveCount(0);
}

/** Scrolls the conversation until a message is there. */
async function scrollUntil(person: Person, step: number, text: string): Promise<void> {
  await person.page.locator("#chat converse-chat-message").first().hover();
  await expect(async () => {
    await person.page.mouse.wheel(0, -step / 10);
    await person.page.mouse.wheel(0, step);
    await expect(person.message(text)).toHaveCount(1, { timeout: 500 });
  }).toPass({ timeout: 60_000 });
}

test("a message is found and opens at its place, and scrolling goes on both ways", async ({ alice, database }) => {
  await longConversation(database);
  await alice.page.goto("/chat");
  await expect(alice.listed("Bob Baker")).toBeVisible();
  await searchFor(alice, "treas"); // as one types
  await expect(found(alice)).toHaveCount(1);
  await expect(found(alice).locator("mark")).toHaveText("Treasure");
  await alice.page.keyboard.press("Enter");
  await expect(dialog(alice)).toBeHidden();
  await expect(alice.page).toHaveURL(/\/chat\/with\/bob\?at=/);
  await expectPlace(alice);

  await alice.page.reload(); // a link to a message
  await expect(alice.message("Treasure map")).toBeInViewport();
  await scrollUntil(alice, 2000, `message ${COUNT}.`);
  await scrollUntil(alice, -2000, "message 100.");
});

test.describe("phone", () => {
  test.use({ contextOptions: { viewport: screens.phone } });

  test("a link to a message opens there after the sign-in", async ({ visit, database }) => {
    await longConversation(database);
    const alice = await visit("alice");
    const [row] = await database.query("SELECT id::text FROM archive WHERE stanza_id = 'm200'");
    await alice.page.goto(`/chat/with/bob?at=${row!["id"]}`);
    await alice.page.getByLabel("User name").fill("alice");
    await alice.page.getByLabel("Password").fill("foyer-demo");
    await alice.page.getByRole("button", { name: "Sign in", exact: true }).click();
    await expectPlace(alice);

    await test.step("so does one that is found", async () => {
      await alice.page.getByRole("button", { name: "Back to the list" }).click();
      await expect(alice.listed("Bob Baker")).toBeVisible();
      await searchFor(alice, "message 42");
      await expect(found(alice)).toHaveText(/message 42\./);
      await expect(found(alice).locator("mark").first()).toHaveText("message");
      await alice.page.keyboard.press("Enter");
      await expect(dialog(alice)).toBeHidden();
      await expect(alice.page).toHaveURL(/\/chat\/with\/bob\?at=/);
      await expect(alice.message("message 42.")).toBeInViewport();
      await alice.page.reload();
      await expect(alice.message("message 42.")).toBeInViewport();
    });
  });
});

/** Where there was no time to look at everything, it is said, and looked further. */
async function lookFurther(alice: Person): Promise<void> {
  const late = { messages: [], late: true, next: "ffffffff-ffff-7fff-bfff-ffffffffffff" };
  await alice.page.route("**/xmpp/search?*", (route) => (route.request().url().includes("before=") ? route.fallback() : route.fulfill({ json: late })));
  await searchFor(alice, "treasure");
  const status = dialog(alice).getByRole("status");
  await expect(status).toHaveText("Nothing found so far. There was no time to look at everything.");
  if (process.env["SHOTS"]) await alice.page.screenshot({ path: `${process.env["SHOTS"]}/late.png` });
  await dialog(alice).getByRole("button", { name: "Search older messages" }).click();
  await expect(found(alice)).toHaveText(/Treasure map/);
  await expect(found(alice)).toHaveAttribute("aria-selected", "true");
  await expect(status).toHaveText("1 found.");
  await alice.page.unroute("**/xmpp/search?*");
  await alice.page.keyboard.press("Escape");
  await expect(dialog(alice)).toBeHidden();
}

/** Messages of the days that are chosen, as they are where somebody is. */
async function chooseDays(alice: Person): Promise<void> {
  await searchFor(alice, "anchor");
  await expect(found(alice)).toHaveCount(4);
  const [from, to] = [dialog(alice).getByLabel("From", { exact: true }), dialog(alice).getByLabel("to", { exact: true })];
  await expect(from).toBeHidden();
  await dialog(alice).getByRole("combobox", { name: "When" }).selectOption("From … to …");
  await from.fill("2026-03-02");
  await expect(found(alice)).toHaveText([/the day after/, /late/, /early/]);
  await to.fill("2026-03-02");
  await expect(found(alice)).toHaveText([/late/, /early/]);
  await inBothThemes(alice.page, async (theme) => {
    await alice.page.setViewportSize(theme === "light" ? screens.phone : screens.wide);
    if (process.env["SHOTS"]) await alice.page.screenshot({ path: `${process.env["SHOTS"]}/days-${theme}.png` });
    expect(await violations(alice.page, theme), theme).toEqual([]);
  });
  await to.fill("2026-02-01");
  await expect(dialog(alice).getByRole("status")).toHaveText("The last day is before the first.");
  await from.fill("");
  await expect(dialog(alice).getByRole("status")).toContainText("Nothing found");
  await dialog(alice).getByRole("combobox", { name: "When" }).selectOption("Any time");
  await expect(found(alice)).toHaveCount(4);
  await alice.page.keyboard.press("Escape");
  await expect(dialog(alice)).toBeHidden();
}

/** More than a page of messages is found: it comes as one scrolls, and what fails can be tried again. */
async function findMore(alice: Person): Promise<void> {
  const { page } = alice;
  const status = dialog(alice).getByRole("status");
  const wheel = async () => {
    await dialog(alice).getByRole("listbox").hover();
    await page.mouse.wheel(0, 10_000);
  };
  await searchFor(alice, "message");
  await expect(found(alice)).toHaveCount(20);
  await expect(status).toHaveText("20 found. More come as you scroll.");
  await wheel();
  await expect(found(alice)).toHaveCount(40);

  alice.watch.allow(/\b500\b/);
  await page.route("**/xmpp/search?*before=*", (route) => route.fulfill({ status: 500, json: {} }), { times: 1 });
  await wheel();
  await expect(status).toHaveText("More could not be loaded. The search did not work. Please try again.");
  await dialog(alice).getByRole("button", { name: "Try again" }).press("Enter");
  await expect(found(alice)).toHaveCount(60);
  await expect(dialog(alice).getByRole("combobox", { name: /Search people/ })).toBeFocused(); // its button is gone
  await expect(dialog(alice).getByRole("button", { name: "Try again" })).toHaveCount(0);
  await expect(found(alice).last()).toContainText("message 341.");
  await found(alice).last().click();
  await expect(alice.message("message 341.")).toBeInViewport();
}

test("all that is found comes: what there was no time for, what is of some days, and more as one scrolls", async ({ alice, database }) => {
  await longConversation(database);
  await saidAt(database, "2026-03-01T23:30:00+01:00", "an anchor, the evening before");
  await saidAt(database, "2026-03-02T00:30:00+01:00", "an anchor, early");
  await saidAt(database, "2026-03-02T23:59:30+01:00", "an anchor, late");
  await saidAt(database, "2026-03-03T00:00:10+01:00", "an anchor, the day after");
  await alice.page.goto("/chat");
  await expect(alice.listed("Bob Baker")).toBeVisible();
  await test.step("where there was no time to look at everything, it is said, and looked further", () => lookFurther(alice));
  await test.step("messages of the days that are chosen", () => chooseDays(alice));
  await test.step("more than a page, as one scrolls, and again after a failure", () => findMore(alice));
});

async function linesOfFilters(person: Person): Promise<number> {
  const tops = await dialog(person).locator(".search-filters label:visible").evaluateAll((labels) => labels.map((label) => label.getBoundingClientRect().top));
  return new Set(tops).size;
}

const field = (person: Person) => dialog(person).getByRole("combobox", { name: /Search people/ });
const author = (person: Person) => dialog(person).getByRole("combobox", { name: "Who wrote it" });

/** Looks at the dialog on both screens, in both themes. */
async function lookAt(person: Person, name: string): Promise<void> {
  for (const [screen, size] of Object.entries({ phone: screens.phone, wide: { width: 1440, height: 900 } })) {
    await person.page.setViewportSize(size);
    await inBothThemes(person.page, async (theme) => {
      if (process.env["SHOTS"]) await person.page.screenshot({ path: `${process.env["SHOTS"]}/${name}-${screen}-${theme}.png` });
      expect(await violations(person.page, theme), `${name}, ${screen}, ${theme}`).toEqual([]);
    });
    expect(await dialog(person).evaluate((element) => element.scrollWidth - element.clientWidth), `${name}, ${screen}`).toBe(0);
  }
  await person.page.setViewportSize(screens.wide);
}

test("what one person wrote, by a choice or by from: and a name", async ({ alice, site }) => {
  await makeRoom(alice, "Book club");
  await alice.say("The kettle is mine");
  const [bob, carol] = [await Client.signIn(site, "bob"), await Client.signIn(site, "carol")];
  const [room] = ((await (await alice.page.request.get("/xmpp/conversations")).json()) as { conversations: { jid: `${string}@${string}`; room?: boolean }[] }).conversations.filter((each) => each.room);
  await carol.enter(room!.jid);
  await carol.say("The kettle is Carol's", room!.jid);
  await alice.goTo("Chat");
  await alice.talkTo("bob");
  await alice.say("A kettle for Bob");
  await bob.say("No kettle here");
  await expect(alice.message("No kettle here")).toBeVisible();

  await test.step("typed in the field, and chosen by Enter", async () => {
    await searchFor(alice, "kettle");
    await expect(found(alice)).toHaveCount(4);
    await field(alice).fill("kettle from:bo");
    await expect(found(alice)).toHaveText([/Bob Baker/]);
    await expect(dialog(alice).getByRole("status")).toHaveText("Choose a person.");
    await alice.page.keyboard.press("Enter");
    await expect(found(alice)).toHaveText([/No kettle here/]);
    await expect(field(alice)).toHaveValue("kettle");
    await expect(author(alice).locator("option:checked")).toHaveText("From Bob Baker");
    await expect(field(alice)).toBeFocused();
    await lookAt(alice, "author");
  });
  await test.step("oneself, from the choice or typed", async () => {
    await author(alice).selectOption("From me");
    await expect(found(alice)).toHaveText([/You to Bob Baker.*A kettle for Bob/, /You in Book club.*The kettle is mine/]);
    await author(alice).selectOption("From anybody");
    await expect(found(alice)).toHaveCount(4);
    await field(alice).fill("from:me kettle");
    await expect(found(alice)).toHaveText([/Me$/]);
    await alice.page.keyboard.press("Enter");
    await expect(found(alice)).toHaveText([/A kettle for Bob/, /The kettle is mine/]);
  });
  await test.step("without a word, the latest that somebody wrote; in a room whoever belongs to it is suggested", async () => {
    await field(alice).fill("");
    await expect(found(alice)).toHaveText([/A kettle for Bob/, /The kettle is mine/]);
    await dialog(alice).getByRole("combobox", { name: "Where" }).selectOption("# Book club");
    await expect(found(alice)).toHaveText([/The kettle is mine/]);
    await author(alice).selectOption("From somebody…");
    await expect(field(alice)).toBeFocused();
    await expect(field(alice)).toHaveValue("from:");
    await expect(found(alice)).toHaveText([/Me$/, /Carol Costa/, /Bob Baker/, /Dave Dunn/]);
    await lookAt(alice, "suggested");
    await alice.page.keyboard.press("ArrowDown");
    await alice.page.keyboard.press("Enter");
    await expect(found(alice)).toHaveText([/Carol Costa in Book club.*The kettle is Carol's/]);
    await lookAt(alice, "latest");
  });
  await test.step("nobody, and everybody again", async () => {
    await field(alice).fill("from:zzz");
    await expect(dialog(alice).getByRole("status")).toHaveText("Nobody is called “zzz”.");
    await field(alice).fill("kettle");
    await author(alice).selectOption("From anybody");
    await expect(found(alice)).toHaveCount(2);
    await dialog(alice).getByRole("combobox", { name: "Where" }).selectOption("Bob Baker");
    await author(alice).selectOption("From somebody…");
    await expect(found(alice)).toHaveText([/Me$/, /Bob Baker/]); // nobody else writes there
  });
});

test("people and rooms by name, messages by where, when and file, all by keyboard", async ({ alice, site }) => {
  await makeRoom(alice, "Book club");
  await alice.say("The kettle is on");
  await alice.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await choose(alice, "kettle is on", "Copy link");
  await alice.goTo("Chat");
  await alice.talkTo("bob");
  await alice.say("No kettle here");
  await expect(alice.listed("Bob Baker")).toBeVisible();
  await alice.page.getByRole("button", { name: "Search all messages" }).focus();
  await alice.page.keyboard.press("Enter");
  await alice.page.keyboard.type("kettle");
  await expect(found(alice)).toHaveCount(2);
  await expect(dialog(alice).getByRole("status")).toHaveText("2 found.");
  await alice.page.keyboard.press("ArrowDown");
  await expect(found(alice).last()).toHaveAttribute("aria-selected", "true");
  await dialog(alice).getByRole("combobox", { name: "Where" }).selectOption("Bob Baker");
  await expect(found(alice)).toHaveCount(1);
  await expect(found(alice)).toHaveText(/You to Bob Baker.*No kettle here/);
  await dialog(alice).getByRole("checkbox", { name: "Files" }).check();
  await expect(dialog(alice).getByRole("status")).toContainText("Nothing found");
  await dialog(alice).getByRole("checkbox", { name: "Files" }).uncheck();
  await dialog(alice).getByRole("combobox", { name: "Where" }).selectOption("Everywhere");
  await alice.page.setViewportSize(screens.phone);
  expect(await linesOfFilters(alice), "lines that the filters take on a phone").toBe(2);
  await alice.page.setViewportSize(screens.wide);
  expect(await linesOfFilters(alice), "lines that they take on a wide screen").toBe(1);
  await dialog(alice).getByRole("combobox", { name: /Search people/ }).fill("book");
  await expect(found(alice)).toHaveCount(1);
  await expect(found(alice)).toHaveText(/Book club/);
  await alice.page.keyboard.press("Escape");
  await expect(dialog(alice)).toBeHidden();
  await expect(alice.page.getByRole("button", { name: "Search all messages" })).toBeFocused();

  const bob = await Client.signIn(site, "bob"); // what was said in a room that he never entered is not his
  const { messages } = (await (await bob.ask("/xmpp/search?q=kettle")).json()) as { messages: object[] };
  expect(messages).toEqual([expect.objectContaining({ text: "No kettle here" })]);

  const link = await alice.page.evaluate(() => navigator.clipboard.readText());
  expect(link).toMatch(/\/chat\/room\/book-club-[^/?]+\?at=[\w-]+$/);
  await alice.page.goto(link);
  await expect(alice.room("Book club")).toBeVisible();
  await expect(alice.message("The kettle is on")).toBeInViewport();
});

/** Holds back what the site answers, until it is let go; isAsked is for the first that is asked. */
async function holdAnswers({ page }: Person, path: string): Promise<{ isAsked: Promise<unknown>; letGo: () => Promise<void> }> {
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  await page.route(path, async (route) => {
    await released;
    await route.continue().catch(() => {}); // given up meanwhile
  });
  return {
    isAsked: page.waitForRequest(path),
    letGo: async () => {
      release();
      await page.unroute(path);
    },
  };
}

const FIND = "**/xmpp/find?*";

async function enterInSearch(alice: Person): Promise<void> {
  const { page } = alice;
  const isWith = (name: string) => expect(page).toHaveURL(new RegExp(`/chat/with/${name}$`));
  await test.step("Ctrl+K, a name, Enter", async () => {
    const { isAsked, letGo } = await holdAnswers(alice, FIND);
    await page.keyboard.press("Control+k");
    await page.keyboard.type("carol");
    await page.keyboard.press("Enter");
    await expect(found(alice)).toHaveText([/Carol Costa/]); // what is listed is narrowed at once
    await isAsked;
    await expect(page).toHaveURL(/\/chat$/);
    await letGo();
    await expect(dialog(alice)).toBeHidden();
    await isWith("carol");
  });
  await test.step("the text that is there counts", async () => {
    await searchFor(alice, "bob");
    await expect(dialog(alice).getByRole("status")).toHaveText(/found/);
    const { isAsked, letGo } = await holdAnswers(alice, FIND);
    await dialog(alice).getByRole("combobox", { name: /Search people/ }).fill("");
    await page.keyboard.type("dav");
    await page.keyboard.press("Enter");
    await page.keyboard.type("e"); // somebody went on: that Enter is over
    await isAsked;
    await letGo();
    await expect(dialog(alice).getByRole("status")).toHaveText(/found/);
    await isWith("carol");
    await expect(found(alice)).toHaveText([/Dave Dunn/, /Not Dave/]); // which has it in its name as well, and is later
    await page.keyboard.press("Enter");
    await isWith("dave");
  });
  await test.step("Escape, and there is no Enter any more", async () => {
    const { isAsked, letGo } = await holdAnswers(alice, FIND);
    await page.keyboard.press("Control+k");
    await page.keyboard.type("carol");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Escape");
    await isAsked;
    const answered = page.waitForResponse(FIND);
    await letGo();
    await (await answered).finished();
    await searchFor(alice, "carol");
    await expect(dialog(alice).getByRole("status")).toHaveText(/found/); // after that answer
    await isWith("dave");
    await page.keyboard.press("Escape");
  });
  await test.step("who was gone to with the arrow keys is not waited for", async () => {
    const { isAsked, letGo } = await holdAnswers(alice, FIND);
    await page.keyboard.press("Control+k");
    await page.keyboard.type("dave");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await expect(alice.room("Not Dave")).toBeVisible();
    await isAsked;
    await letGo();
  });
}

async function enterInBeginning(alice: Person): Promise<void> {
  const { page } = alice;
  const begin = page.getByRole("dialog", { name: "Start a conversation" });
  await test.step("a person", async () => {
    const { isAsked, letGo } = await holdAnswers(alice, FIND);
    await page.getByRole("button", { name: "Start a conversation, or make a room" }).press("Enter");
    await page.keyboard.type("carol");
    await page.keyboard.press("Enter");
    await isAsked;
    await expect(begin).toBeVisible();
    await letGo();
    await expect(page).toHaveURL(/\/chat\/with\/carol$/);
  });
  await test.step("a room", async () => {
    await page.getByRole("button", { name: "Start a conversation, or make a room" }).press("Enter");
    await begin.getByRole("tab", { name: "Rooms" }).click();
    await expect(begin.getByRole("option")).toHaveText([/Atelier/, /Lobby/, /Not Dave/, /Studio/, /Studio atelier/]);
    const { isAsked, letGo } = await holdAnswers(alice, "**/xmpp/rooms?*");
    await expect(begin.getByRole("combobox")).toBeFocused();
    await page.keyboard.type("studio");
    await page.keyboard.press("Enter");
    await expect(begin.getByRole("option")).toHaveText([/Studio/, /Studio atelier/]);
    await isAsked;
    await expect(begin).toBeVisible();
    await letGo();
    await expect(alice.room("Studio")).toBeVisible();
  });
}

async function enterInList(alice: Person): Promise<void> {
  const { page } = alice;
  const field = page.locator("#conversations-find");
  const { isAsked, letGo } = await holdAnswers(alice, FIND);
  await field.focus();
  await page.keyboard.type("dave");
  await page.keyboard.press("Enter");
  await isAsked;
  await expect(page.locator("#conversations a.conversation .conversation-name")).toHaveText(["Dave Dunn", "Not Dave"]);
  await expect(field).toHaveValue("dave");
  await letGo();
  await expect(page).toHaveURL(/\/chat\/with\/dave$/);
  await expect(field).toHaveValue("");
}

test("a name and Enter, however soon after it, open whom or what is called so", async ({ alice, site }) => {
  const bob = await Client.signIn(site, "bob");
  for (const name of ["Atelier", "Studio", "Studio atelier"]) await bob.makeRoom(name);
  await makeRoom(alice, "Not Dave");
  await alice.say("Who is in");
  await bob.say("The latest");
  await alice.page.goto("/chat");
  await expect(alice.listed("Bob Baker")).toContainText("The latest");
  await expect(alice.listed("Carol Costa")).toBeVisible(); // what is listed is narrowed at once
  await enterInSearch(alice);
  await enterInBeginning(alice);
  await enterInList(alice);
});
