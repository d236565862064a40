// Starting a conversation from the head of the list: with somebody, in a room that there is, or in
// a new one.

import { violations } from "./support/axe.ts";
import { comeToRest } from "./support/rest.ts";
import { send } from "./support/stream.ts";
import { expect, makeRoom, names, type Person, screens, test } from "./support/test.ts";

const plus = (person: Person) => person.page.getByRole("button", { name: "Start a conversation, or make a room" });
const dialog = (person: Person) => person.page.getByRole("dialog", { name: "Start a conversation" });
const tab = (person: Person, name: string) => dialog(person).getByRole("tab", { name });
const options = (person: Person) => dialog(person).getByRole("option");

type Theme = "light" | "dark";

/** Nothing is wrong with it. */
async function expectClean({ page }: Person, name: string, theme: Theme): Promise<void> {
  await page.evaluate(comeToRest);
  if (process.env["SHOTS"]) await page.screenshot({ path: `${process.env["SHOTS"]}/${name}-${theme}.png` });
  expect(await violations(page, theme), name).toEqual([]);
}

async function findPerson(alice: Person, theme: Theme): Promise<void> {
  const { page } = alice;
  await expect(alice.listed("Carol Costa")).toContainText("Around"); // who has just come
  await plus(alice).press("Enter");
  await expect(dialog(alice).getByRole("combobox", { name: "Find a person" })).toBeFocused();
  await expect(options(alice)).toHaveText([/Carol Costa/, /Bob Baker/, /Dave Dunn/]); // those around first
  await expectClean(alice, "people", theme);
  await page.keyboard.press("Escape");
  await expect(dialog(alice)).toHaveCount(0);
  await expect(plus(alice)).toBeFocused();
  await page.keyboard.press("Enter");
  await dialog(alice).evaluate((open: HTMLDialogElement) => (open.close(), document.querySelector<HTMLElement>("[data-begin]")?.click())); // before the page is told that it was closed
  await page.keyboard.type("nobody like that");
  await expect(dialog(alice).getByRole("status")).toHaveText("Nobody has that name.");
  await dialog(alice).getByRole("combobox").fill("co");
  await expect(options(alice)).toHaveText([/Carol Costa/]);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/chat\/with\/carol$/);
  await expect(alice.input()).toBeVisible();
}

async function joinBookClub(alice: Person, theme: Theme): Promise<void> {
  const { page } = alice;
  await plus(alice).click();
  await tab(alice, "People").press("ArrowRight");
  await expect(tab(alice, "Rooms")).toBeFocused();
  await expect(options(alice)).toHaveText([/Book club.*1 person here.*Join/, /Lobby.*Where everybody meets.*Open/]);
  await expectClean(alice, "rooms", theme);
  await dialog(alice).getByRole("combobox", { name: "Find a room" }).fill("book");
  await expect(options(alice)).toHaveCount(1);
  await page.keyboard.press("Enter");
  await expect(alice.room("Book club")).toBeVisible();
  await expect(page).toHaveURL(/\/chat\/room\/book-club-/);
}

async function makeGarden(alice: Person, theme: Theme): Promise<void> {
  const { page } = alice;
  await plus(alice).click();
  await tab(alice, "New room").click();
  const name = dialog(alice).getByLabel("Name", { exact: true });
  await expect(name).toBeFocused();
  alice.watch.allow(/\b422\b/);
  await page.keyboard.press("Enter");
  await expect(dialog(alice).getByText("Give the room a name.")).toBeVisible();
  await expect(name).toBeFocused();
  await expectClean(alice, "new", theme);
  await name.fill("Kitchen garden");
  await dialog(alice).getByLabel("What it is about").fill("Beds and bees");
  await dialog(alice).getByLabel("Only people who are invited").check();
  await dialog(alice).getByRole("button", { name: "Make the room" }).click();
  await expect(alice.room("Kitchen garden")).toBeVisible();
  await expect(page).toHaveURL(/\/chat\/room\/kitchen-garden-/);
  await expect(dialog(alice)).toHaveCount(0);
}

for (const [screen, theme] of [["phone", "dark"], ["wide", "light"]] as const) {
  test.describe(`${screen}, ${theme}`, () => {
    test.use({ contextOptions: { viewport: screens[screen], reducedMotion: "reduce", colorScheme: theme } });

    test("a person is found by name, a room is joined, and one is made", async ({ alice, visit }) => {
      const { page } = alice;
      /** A phone shows the list or a conversation. */
      const backToList = () => (screen === "phone" ? page.getByRole("button", { name: "Back to the list" }).click() : undefined);
      const carol = await visit("carol");
      await carol.signIn();
      await makeRoom(carol, "Book club");
      await alice.goTo("Chat");
      await alice.ready();
      await test.step("a person, with the keyboard alone", () => findPerson(alice, theme));
      await backToList();
      await test.step("a room that there is", () => joinBookClub(alice, theme));
      await backToList();
      await test.step("a new room", () => makeGarden(alice, theme));
      await backToList();
      await expect(alice.listed("Kitchen garden")).toBeVisible();
      await alice.goTo("Rooms");
      const row = page.locator("[data-room-row]").filter({ hasText: "Kitchen garden" });
      await expect(row).toContainText("Beds and bees");
      await expect(row).toContainText("by invitation");
    });
  });
}

test.describe("with an empty list", () => {
  test.use({ settings: { ROSTER: "none" }, contextOptions: { reducedMotion: "reduce" } });

  test("a new person is shown where to begin", async ({ visit }) => {
    const bob = await visit("bob");
    const { page } = bob;
    await bob.openSite();
    await bob.goTo("Chat");
    await bob.ready();
    await expect(page.locator("#conversations-empty")).toContainText("No conversations yet.");
    for (const [screen, colorScheme] of [["phone", "dark"], ["wide", "light"]] as const) {
      await page.setViewportSize(screens[screen]);
      await page.emulateMedia({ colorScheme });
      await expect(page.locator("#conversations-empty")).toBeVisible();
      await expectClean(bob, `empty-${screen}`, colorScheme);
    }
    await page.getByRole("button", { name: "Browse rooms" }).click();
    await expect(tab(bob, "Rooms")).toHaveAttribute("aria-selected", "true");
    await expect(options(bob)).toHaveText([/Lobby.*Join/]);
    await page.keyboard.press("Escape");
    await expect(page.getByRole("button", { name: "Browse rooms" })).toBeFocused();
    await page.getByRole("button", { name: "Find people" }).click();
    await expect(dialog(bob).getByRole("status")).toHaveText("Type a name.");
    await page.keyboard.type("carol");
    await expect(options(bob)).toHaveText([/Carol Costa/]); // whom only the site knows
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(/\/chat\/with\/carol$/);
  });
});

test("a page of rooms after the other, and what fails can be tried again", async ({ database, visit }) => {
  await database.script(`
    INSERT INTO rooms (name, creator, title, persistent, public, members_only, moderated, non_anonymous, change_subject, invites, private, archive, max_occupants)
      SELECT 'room' || i, 'alice', 'Room ' || lpad(i::text, 2, '0'), true, true, false, false, false, true, true, 'anyone', true, 200 FROM generate_series(1, 60) i;`);
  const bob = await visit("bob");
  await bob.getCookie();
  await bob.page.goto("/chat");
  await bob.ready();
  bob.watch.allow(/\b503\b/);
  await bob.page.route("**/xmpp/rooms?*", (route) => route.fulfill({ status: 503, json: { error: "The chat is not responding. Please try again in a moment." } }));
  await plus(bob).click();
  await tab(bob, "Rooms").click();
  await expect(dialog(bob).getByRole("status")).toHaveText("The chat is not responding. Please try again in a moment.");
  await bob.page.unroute("**/xmpp/rooms?*");
  await dialog(bob).getByRole("button", { name: "Try again" }).click();
  await expect(options(bob)).toHaveCount(50);
  await dialog(bob).getByRole("button", { name: "Show more" }).click();
  await expect(options(bob)).toHaveCount(61);
  await expect(dialog(bob).getByRole("button", { name: "Show more" })).toHaveCount(0);
});

/** What the page does not begin with (static/js/chat/lazyBundle.js), from a bundle or not. */
const rest = /\/lazyBundle(-\w+)?\.js/;

async function thereWithoutNetwork(alice: Person): Promise<void> {
  const { page } = alice;
  await expect(alice.listed("Bob Baker")).toBeVisible();
  const came = page.waitForResponse(rest);
  await page.locator("#conversations").press("Shift"); // the first touch
  await (await came).finished();
  await page.waitForLoadState("networkidle"); // what the conversation fetches besides
  alice.watch.allow(/ERR_INTERNET_DISCONNECTED/);
  await alice.context.setOffline(true);
  await plus(alice).click();
  await expect(options(alice)).toHaveText([/Bob Baker/, /Carol Costa/, /Dave Dunn/]);
  await page.keyboard.press("Escape");
  await alice.context.setOffline(false);
}

async function fetchedAgain(alice: Person): Promise<void> {
  const { page } = alice;
  const notice = page.locator("#chat-notice");
  await alice.ready();
  alice.watch.allow(rest, /ERR_FAILED/);
  await page.route(rest, (route) => route.abort());
  await plus(alice).press("Enter");
  await expect(notice).toBeVisible();
  await expect(notice).toContainText("Part of the chat did not load. Please try again, or reload the page.");
  await expect(dialog(alice)).toHaveCount(0);
  await expect(plus(alice)).toBeFocused();
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("dialog", { name: "Search" })).toHaveCount(0);
  await expect(notice).toBeVisible();
  if (process.env["SHOTS"]) await page.screenshot({ path: `${process.env["SHOTS"]}/not-loaded.png` });
  await page.unroute(rest);
  await plus(alice).press("Enter");
  await expect(options(alice)).toHaveText([/Bob Baker/, /Carol Costa/, /Dave Dunn/]);
  await expect(notice).toBeHidden();
}

/** Offline a dialog stays open, says so, and goes on with what is typed once there is a network. */
async function waitsForNetwork(alice: Person): Promise<void> {
  const { page, context } = alice;
  await alice.ready();
  alice.watch.allow(rest, /ERR_FAILED|ERR_INTERNET_DISCONNECTED/);
  await page.route(rest, (route) => route.abort());
  await context.setOffline(true);
  const search = page.getByRole("dialog", { name: "Search" });
  const offline = "You are offline. This works again when you are back.";
  await page.keyboard.press("Control+k");
  await expect(search.getByRole("status")).toHaveText(offline);
  await page.keyboard.press("Escape");
  await plus(alice).click();
  await expect(dialog(alice).getByRole("status")).toHaveText(offline);
  await page.keyboard.type("bob");
  await page.unroute(rest);
  await context.setOffline(false);
  await expect(options(alice)).toHaveText([/Bob Baker/]);
  await page.keyboard.press("Escape");
}

/** Holds back what the page did not begin with; what it returns lets it go. */
async function holdRest(alice: Person): Promise<() => void> {
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  await alice.page.route(rest, async (route) => {
    await released;
    await route.continue();
  });
  await alice.ready();
  return release;
}

async function typedIntoBeginning(alice: Person): Promise<void> {
  const { page } = alice;
  const release = await holdRest(alice);
  await plus(alice).press("Enter");
  await page.keyboard.type("car");
  await expect(dialog(alice).getByRole("textbox")).toHaveValue("car");
  release();
  await expect(options(alice)).toHaveText([/Carol Costa/]);
  await page.keyboard.type("o");
  await expect(dialog(alice).getByRole("combobox", { name: "Find a person" })).toHaveValue("caro");
  await dialog(alice).getByRole("button", { name: "Close" }).click();
  await expect(dialog(alice)).toHaveCount(0);
  await page.unroute(rest);
}

async function typedIntoSearch(alice: Person): Promise<void> {
  const { page } = alice;
  const release = await holdRest(alice);
  const search = page.getByRole("dialog", { name: "Search" });
  await page.keyboard.press("Control+k");
  await page.keyboard.type("lob");
  await page.keyboard.press("Enter");
  await page.keyboard.type("b"); // and that Enter is over
  release();
  await expect(search.locator(".search-option")).toHaveText([/Lobby/]);
  await expect(search.getByRole("combobox", { name: /Search people/ })).toHaveValue("lobb");
  await page.unroute(rest);
}

/** A card that was asked for before the rest was there does not open over what was begun after it. */
async function cardComesLate(alice: Person): Promise<void> {
  const { page } = alice;
  await alice.hears("Good morning");
  const author = page.locator("#chat .chat-msg__author", { hasText: "Bob Baker" });
  const release = await holdRest(alice);
  await author.click();
  await plus(alice).press("Enter"); // waits for the same, after the card
  release();
  await expect(options(alice)).toHaveText([/Bob Baker/, /Carol Costa/, /Dave Dunn/]);
  await expect(page.locator("#person-card[open]")).toHaveCount(0);
  await page.keyboard.press("Escape");
  await author.click();
  await expect(page.locator("#person-card[open]")).toBeVisible();
}

/** Emoji that did not load break nothing, and come by themselves. */
async function emojiAgain(alice: Person): Promise<void> {
  const { page } = alice;
  alice.watch.allow(/emoji\.json/, /ERR_FAILED/);
  await page.route(/emoji\.json/, (route) => route.abort());
  await page.goto("/chat/with/bob");
  await alice.hears("Good morning");
  await page.getByRole("button", { name: "Insert emojis" }).click();
  const emoji = page.locator("#chat converse-emoji-picker .insert-emoji");
  await expect(page.locator("#chat .emoji-search")).toBeFocused();
  await expect(emoji).toHaveCount(0);
  await page.unroute(/emoji\.json/);
  await expect(emoji.first()).toBeVisible();
  await expect(page.locator("#chat converse-emoji-picker .emoji-picker[data-category=popular] .insert-emoji")).not.toHaveCount(0);
  await page.keyboard.press("Escape");
}

/** Who presses a button or types into the field of the list while the chat is still fetched has done so. */
async function doneEarly(alice: Person): Promise<void> {
  const { page } = alice;
  let release = () => {};
  const early = async (act: () => Promise<unknown>): Promise<void> => {
    const released = new Promise<void>((resolve) => (release = resolve));
    await page.route(/converse\.min\.js/, async (route) => {
      await released;
      await route.continue();
    });
    await page.goto("/chat", { waitUntil: "domcontentloaded" });
    await act();
    await page.unroute(/converse\.min\.js/);
    release();
  };
  const field = page.locator("#conversations-find");
  const search = page.getByRole("dialog", { name: "Search" });
  await early(() => plus(alice).click());
  await expect(options(alice)).toHaveText([/Bob Baker/, /Carol Costa/, /Dave Dunn/]);

  await early(async () => {
    await page.getByRole("button", { name: "Search all messages" }).click();
    await field.fill("morning");
    await field.press("End");
  });
  await expect(page.locator("#conversations a.conversation-hit")).toHaveText([/Good morning/]); // of which only the site knows
  await expect(search).toHaveCount(0); // something else was begun since
  await field.fill("");

  await early(async () => {
    await alice.menu().click();
    await page.getByRole("button", { name: "Keyboard shortcuts" }).click();
  });
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
  await page.keyboard.press("Escape");

  await early(() => page.keyboard.press("Control+k"));
  await expect(search).toBeVisible();
  await page.keyboard.press("Escape");
}

test("what the page did not begin with comes when it is needed, and is said where it does not", async ({ visit }) => {
  const [alice, bob] = [await visit("alice"), await visit("bob")];
  alice.watch.allow(/Failed to load emoji\.json/); // which may be on their way just when the network goes
  await alice.getCookie();
  await bob.getCookie();
  await bob.page.goto("/healthz"); // a page without the chat
  await send(bob, ['<message xmlns="jabber:client" type="chat" id="morning" to="alice@localhost"><body>Good morning</body></message>']);
  /** In a page that has it not yet. */
  const inNewPage = (what: string, look: (alice: Person) => Promise<void>, path = "/chat") =>
    test.step(what, async () => {
      await alice.page.goto(path);
      await look(alice);
    });
  await inNewPage("it is there without a network", thereWithoutNetwork);
  await inNewPage("it is waited for without one", waitsForNetwork);
  await inNewPage("it is fetched again if it failed, and that is said", fetchedAgain);
  await inNewPage("letters are not lost that are typed before a conversation can begin", typedIntoBeginning);
  await inNewPage("letters are not lost that are typed before the search is there", typedIntoSearch);
  await inNewPage("a card that comes late does not open over what was begun meanwhile", cardComesLate, "/chat/with/bob");
  await inNewPage("emoji that did not load come later", emojiAgain, "/healthz");
  await inNewPage("what is pressed or typed before the chat is there is not lost", doneEarly, "/healthz");
});

test("where the site makes no rooms, none are offered", async ({ visit }) => {
  const alice = await visit("alice");
  await alice.getCookie();
  // As the site tells it with another chat server.
  await alice.page.addInitScript(() => {
    const watch = new MutationObserver(() => {
      const config = document.getElementById("chat-config");
      if (!config?.textContent.includes('"rooms":true')) return;
      watch.disconnect();
      config.textContent = config.textContent.replace('"rooms":true', '"rooms":false');
    });
    watch.observe(document, { childList: true, subtree: true, characterData: true });
  });
  await alice.page.goto("/chat");
  await alice.ready();
  await plus(alice).click();
  await expect(options(alice).filter({ hasText: names.bob })).toBeVisible();
  await expect(dialog(alice).getByRole("tab")).toHaveCount(0);
});
