// Starting a conversation from the head of the list: with somebody, in a room that there is, or in
// a new one.

import type { Route } from "@playwright/test";
import { violations } from "./support/axe.ts";
import { expect, inBothThemes, makeRoom, names, type Person, test } from "./support/test.ts";

const plus = (person: Person) => person.page.getByRole("button", { name: "Start a conversation, or make a room" });
const dialog = (person: Person) => person.page.getByRole("dialog", { name: "Start a conversation" });
const tab = (person: Person, name: string) => dialog(person).getByRole("tab", { name });
const options = (person: Person) => dialog(person).getByRole("option");

/** Nothing is wrong with it, in either theme. */
async function expectClean({ page }: Person, name: string): Promise<void> {
  await inBothThemes(page, async (theme) => {
    if (process.env["SHOTS"]) await page.screenshot({ path: `${process.env["SHOTS"]}/${name}-${theme}.png` });
    expect(await violations(page), theme).toEqual([]);
  });
}

for (const [screen, viewport] of Object.entries({ phone: { width: 390, height: 844 }, wide: { width: 1440, height: 900 } })) {
  test.describe(screen, () => {
    test.use({ contextOptions: { viewport, reducedMotion: "reduce" } });

    test("a person is found by name, with the keyboard alone", async ({ alice, visit }) => {
      const { page } = alice;
      await (await visit("carol")).signIn();
      await page.goto("/chat");
      await expect(alice.listed("Carol Costa")).toContainText("Around"); // who has just come
      await plus(alice).press("Enter");
      await expect(dialog(alice).getByRole("combobox", { name: "Find a person" })).toBeFocused();
      await expect(options(alice)).toHaveText([/Carol Costa/, /Bob Baker/, /Dave Dunn/]); // those around first
      await expectClean(alice, `people-${screen}`);
      await page.keyboard.press("Escape");
      await expect(dialog(alice)).toHaveCount(0);
      await expect(plus(alice)).toBeFocused();
      await page.keyboard.press("Enter");
      await page.keyboard.type("nobody like that");
      await expect(dialog(alice).getByRole("status")).toHaveText("Nobody by that name.");
      await dialog(alice).getByRole("combobox").fill("co");
      await expect(options(alice)).toHaveText([/Carol Costa/]);
      await page.keyboard.press("Enter");
      await expect(page).toHaveURL(/\/chat\/with\/carol$/);
      await expect(alice.input()).toBeVisible();
    });

    test("a room is joined", async ({ alice, bob }) => {
      const { page } = alice;
      await makeRoom(bob, "Book club");
      await page.goto("/chat");
      await alice.ready();
      await plus(alice).click();
      await tab(alice, "People").press("ArrowRight");
      await expect(tab(alice, "Rooms")).toBeFocused();
      await expect(options(alice)).toHaveText([/Book club.*1 person here.*Join/, /Lobby.*Where everybody meets.*Open/]);
      await expectClean(alice, `rooms-${screen}`);
      await dialog(alice).getByRole("combobox", { name: "Find a room" }).fill("book");
      await expect(options(alice)).toHaveCount(1);
      await page.keyboard.press("Enter");
      await expect(alice.room("Book club")).toBeVisible();
      await expect(page).toHaveURL(/\/chat\/room\/book-club-/);
    });

    test("a room is made", async ({ alice }) => {
      const { page } = alice;
      await page.goto("/chat");
      await alice.ready();
      await plus(alice).click();
      await tab(alice, "New room").click();
      const name = dialog(alice).getByLabel("Name", { exact: true });
      await expect(name).toBeFocused();
      alice.watch.allow(/\b422\b/);
      await page.keyboard.press("Enter");
      await expect(dialog(alice).getByText("Give the room a name.")).toBeVisible();
      await expect(name).toBeFocused();
      await expectClean(alice, `new-${screen}`);
      await name.fill("Kitchen garden");
      await dialog(alice).getByLabel("What it is about").fill("Beds and bees");
      await dialog(alice).getByLabel("Only people who are invited").check();
      await dialog(alice).getByRole("button", { name: "Make the room" }).click();
      await expect(alice.room("Kitchen garden")).toBeVisible();
      await expect(page).toHaveURL(/\/chat\/room\/kitchen-garden-/);
      await expect(dialog(alice)).toHaveCount(0);
      if (screen === "phone") await page.getByRole("button", { name: "Back to the list" }).click();
      await expect(alice.listed("Kitchen garden")).toBeVisible();
      await page.goto("/rooms");
      await expect(page.locator("[data-room-row]").filter({ hasText: "Kitchen garden" })).toContainText("Beds and bees");
      await expect(page.locator("[data-room-row]").filter({ hasText: "Kitchen garden" })).toContainText("by invitation");
    });

    test.describe("with an empty list", () => {
      test.use({ settings: { ROSTER: "none" } });
      test("a new person is shown where to begin", async ({ visit }) => {
        const bob = await visit("bob");
        await bob.openSite();
        await bob.page.goto("/chat");
        await bob.ready();
        await expect(bob.page.locator("#conversations-empty")).toContainText("Nobody to talk with yet.");
        await expectClean(bob, `empty-${screen}`);
        await bob.page.getByRole("button", { name: "Browse rooms" }).click();
        await expect(tab(bob, "Rooms")).toHaveAttribute("aria-selected", "true");
        await expect(options(bob)).toHaveText([/Lobby.*Join/]);
        await bob.page.keyboard.press("Escape");
        await expect(bob.page.getByRole("button", { name: "Browse rooms" })).toBeFocused();
        await bob.page.getByRole("button", { name: "Find people" }).click();
        await expect(dialog(bob).getByRole("status")).toHaveText("Type a name.");
        await bob.page.keyboard.type("carol");
        await expect(options(bob)).toHaveText([/Carol Costa/]); // whom only the site knows
        await bob.page.keyboard.press("Enter");
        await expect(bob.page).toHaveURL(/\/chat\/with\/carol$/);
      });
    });
  });
}

test("a page of rooms after the other, and what fails can be tried again", async ({ database, visit }) => {
  await database.script(`
    INSERT INTO rooms (name, creator, title, persistent, public, members_only, moderated, non_anonymous, change_subject, invites, private, archive, max_occupants)
      SELECT 'room' || i, 'alice', 'Room ' || lpad(i::text, 2, '0'), true, true, false, false, false, true, true, 'anyone', true, 200 FROM generate_series(1, 60) i;`);
  const bob = await visit("bob");
  await bob.openSite();
  await bob.page.goto("/chat");
  await bob.ready();
  bob.watch.allow(/\b503\b/);
  await bob.page.route("**/xmpp/rooms?*", (route) => route.fulfill({ status: 503, json: { error: "The chat does not answer just now. Please try again in a moment." } }), { times: 1 });
  await plus(bob).click();
  await tab(bob, "Rooms").click();
  await expect(dialog(bob).getByRole("status")).toHaveText("The chat does not answer just now. Please try again in a moment.");
  await dialog(bob).getByRole("button", { name: "Try again" }).click();
  await expect(options(bob)).toHaveCount(50);
  await dialog(bob).getByRole("button", { name: "Show more" }).click();
  await expect(options(bob)).toHaveCount(61);
  await expect(dialog(bob).getByRole("button", { name: "Show more" })).toHaveCount(0);
});

/** What the page does not begin with (static/js/chat/later.js), from a bundle or not. */
const rest = /\/later(-\w+)?\.js/;

test("what the page did not begin with is there without a network", async ({ alice }) => {
  const { page } = alice;
  await page.goto("/chat");
  await expect(alice.listed("Bob Baker")).toBeVisible();
  const came = page.waitForResponse(rest);
  await page.locator("#conversations").press("Shift"); // the first touch
  await (await came).finished();
  alice.watch.allow(/ERR_INTERNET_DISCONNECTED/);
  await alice.context.setOffline(true);
  await plus(alice).click();
  await expect(options(alice)).toHaveText([/Bob Baker/, /Carol Costa/, /Dave Dunn/]);
  await page.keyboard.press("Escape");
  await alice.context.setOffline(false);
});

test("what the page did not begin with is fetched again if it failed, and it is said", async ({ alice }) => {
  const { page } = alice;
  const notice = page.locator("#chat-notice");
  await page.goto("/chat");
  await alice.ready();
  alice.watch.allow(rest, /ERR_FAILED/);
  await page.route(rest, (route) => route.abort());
  await plus(alice).press("Enter");
  await expect(notice).toBeVisible();
  await expect(notice).toContainText("A part of the chat did not load. Please try again, or load the page again.");
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
});

test("a person's card that comes late does not open over what was begun meanwhile", async ({ alice, bob }) => {
  const { page } = alice;
  await bob.talkTo("alice");
  await bob.say("Good morning");
  await page.goto("/chat/with/bob");
  await alice.hears("Good morning");
  const author = page.locator("#chat .chat-msg__author", { hasText: "Bob Baker" });
  const held: Route[] = [];
  await page.route(rest, (route) => void held.push(route));
  await author.click();
  await plus(alice).press("Enter"); // waits for the same, after the card
  for (const route of held) await route.continue();
  await expect(options(alice)).toHaveText([/Bob Baker/, /Carol Costa/, /Dave Dunn/]);
  await expect(page.locator("#person-card[open]")).toHaveCount(0);
  await page.keyboard.press("Escape");
  await author.click();
  await expect(page.locator("#person-card[open]")).toBeVisible();
});

test("letters are not lost that are typed before the rest of a dialog is there", async ({ alice }) => {
  const { page } = alice;
  await page.goto("/chat");
  let release = () => {};
  const hold = async () => {
    const released = new Promise<void>((resolve) => (release = resolve));
    await page.route(rest, async (route) => {
      await released;
      await route.continue();
    });
    await alice.ready();
  };
  await hold();
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
  await page.reload();
  await hold();
  const search = page.getByRole("dialog", { name: "Search" });
  await page.keyboard.press("Control+k");
  await page.keyboard.type("lob");
  await page.keyboard.press("Enter"); // nothing is found yet
  release();
  await expect(search.locator(".search-option")).toHaveText([/Lobby/]);
  await page.keyboard.type("b");
  await expect(search.getByRole("combobox", { name: /Search people/ })).toHaveValue("lobb");
});

test("where the site makes no rooms, none are offered", async ({ alice }) => {
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
