// What people look at: one set of colours and one typeface everywhere
// (static/css/tokens.css), in a room with all that comes and goes there, and the theme that
// somebody chooses. Other states are looked at in states.spec.ts, pages in pages.spec.ts.

import { choose } from "./support/messages.ts";
import { expectToLookRight } from "./support/right.ts";
import { card, chooseAbove, enterRoom, member, moderate, panel, question } from "./support/rooms.ts";
import { costlySelectors } from "./support/selectors.ts";
import { send } from "./support/stream.ts";
import { expect, makeRoom, names, test } from "./support/test.ts";

test.use({ contextOptions: { reducedMotion: "reduce" } });

//
test("what comes and goes in a room has the look of the site, and axe finds nothing", async ({ alice, visit }) => {
  test.setTimeout(300_000);
  const { page } = alice;
  const bob = await visit("bob");

  await test.step("a page that is slow to come", async () => {
    let answer = () => {};
    const held = new Promise<void>((resolve) => (answer = resolve));
    await page.route("**/people", (route) => held.then(() => route.continue()));
    await page.getByRole("link", { name: "People", exact: true }).click();
    await expect(page.locator(".turbo-progress-bar")).toBeVisible();
    const accent = await page.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue("--accent"));
    expect(await page.locator(".turbo-progress-bar").evaluate((bar, accent) => {
      const [shown, probe] = [getComputedStyle(bar).backgroundColor, document.body.appendChild(document.createElement("i"))];
      probe.style.color = accent;
      const wanted = getComputedStyle(probe).color;
      probe.remove();
      return shown === wanted;
    }, accent)).toBe(true);
    answer();
    await expect(page).toHaveURL(/\/people$/);
    await page.unroute("**/people");
    await alice.goTo("Home");
  });
  await test.step("a room", async () => {
    await makeRoom(alice, "Garden");
    await bob.signIn();
    await enterRoom(bob, "Garden");
    const room = await bob.page.getByRole("button", { name: "Open Garden" }).getAttribute("data-room");
    await send(bob, [
      `<presence xmlns="jabber:client" to="${room}/${names.bob}"><x xmlns="http://jabber.org/protocol/muc"/></presence>`,
      ...Array.from({ length: 6 }, (_, i) => `<message xmlns="jabber:client" to="${room}" type="groupchat" id="line-${i}"><body>${"and more&#10;".repeat(6)}line ${i}.</body></message>`),
    ]);
    await bob.say("Good *morning*, `everybody`: https://example.org/");
    await alice.goTo("Chat");
    await alice.hears("everybody");
    await expect(page.locator("#chat .chat-info")).toHaveCount(0); // what a room says of itself that nobody asked for
    await expectToLookRight(page);
    expect(await costlySelectors(page)).toEqual([]); // bench/README.md, "Going back through 10,000 messages"
  });
  await test.step("unread messages below", async () => {
    const bar = page.getByRole("button", { name: "New messages" });
    await page.locator("#chat converse-chat-message").last().hover();
    await expect(async () => {
      await page.mouse.wheel(0, -600);
      await bob.say(`Did you see https://example.org/${Date.now()}?`); // Converse notices a moment later that somebody scrolled
      await expect(bar).toBeVisible({ timeout: 2000 });
    }).toPass();
    await expectToLookRight(page, "#chat");
    await bar.focus();
    await page.keyboard.press("Enter");
    await expect(bar).toHaveCount(0);
    await expect(alice.input()).toBeFocused();
    await expectToLookRight(page, "#chat");
  });
  await test.step("what is answered", async () => {
    await choose(alice, "everybody", "Reply");
    await expect(page.locator("#chat .reply-preview")).toBeVisible();
    await expectToLookRight(page, "#chat");
    await page.getByTitle("Cancel reply").click();
  });
  await test.step("the search in one conversation", async () => {
    await page.getByRole("button", { name: "Search this conversation" }).click();
    const search = page.getByRole("dialog", { name: "Search" });
    await expect(search.getByRole("combobox", { name: "Where" }).locator(":checked")).toHaveText(/Garden/);
    await page.keyboard.type("morning");
    await expect(search.locator(".search-option")).toHaveText(/Good morning, everybody/);
    await expectToLookRight(page, "dialog[open]");
    await page.keyboard.press("Escape");
  });
  await test.step("the menu, questions and dialogs", async () => {
    const toggle = page.locator("#chat .chat-head converse-dropdown .dropdown-toggle");
    await toggle.click();
    await expectToLookRight(page, "#chat .chat-head");
    await toggle.click();
    for (const entry of ["Leave", "Delete the room"]) {
      await chooseAbove(alice, entry);
      await expect(question(alice).locator("input, button").last()).toBeVisible();
      await expectToLookRight(page, "#chat");
      await page.keyboard.press("Escape");
      await expect(question(alice)).toHaveCount(0);
    }
  });
  await test.step("suggestions", async () => {
    await alice.input().pressSequentially("@B");
    await expect(page.locator("#chat .suggestion-box__results li").first()).toBeVisible();
    await expectToLookRight(page, "#chat");
    await page.keyboard.press("Escape");
    await alice.input().fill("");
  });
  await test.step("what cannot be done", async () => {
    await page.locator("#chat converse-muc").evaluate((room) => {
      const { model } = room as unknown as { model: { createMessage(what: object): void } };
      model.createMessage({ message: "The room did not accept your new name.", type: "error" }); // as it rarely says (roomEntry.js)
    });
    await expect(page.locator("#chat .chat-error").last()).toBeVisible();
    await expectToLookRight(page, "#chat");
  });
  await test.step("what is beside it", async () => {
    await page.getByRole("button", { name: "Members", exact: true }).click();
    await expect(member(alice, names.bob)).toBeVisible();
    await expectToLookRight(page);
    await member(alice, names.bob).click();
    await expect(card(alice).getByRole("button", { name: "Make owner" })).toBeVisible();
    await expectToLookRight(page, "#person-card");
    await page.keyboard.press("Escape");
    await expect(panel(alice)).toBeVisible();
  });
  // Last in this page: they stay in it, and axe looks at all of them.
  await test.step("emoji", async () => {
    await page.locator("#chat .toggle-emojis").click();
    await expect(page.locator("#chat .insert-emoji").first()).toBeVisible();
    await expectToLookRight(page, "#chat :is(.emoji-picker__header, .emoji-skintone-picker, .emoji-category__heading, .insert-emoji:first-child)"); // there are 1,800 emoji
    await page.keyboard.press("Escape");
  });
  await test.step("a room that one is out of", async () => {
    await moderate(alice, names.bob, "Remove from the room", `Remove ${names.bob} from the room?`);
    await expect(bob.page.getByText("You have been removed from this room")).toBeVisible();
    await expectToLookRight(bob.page, "#chat");
  });
});

test("a theme is kept with the device, from the first thing that is painted", async ({ alice, visit }) => {
  const { page } = alice;
  const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  await page.emulateMedia({ colorScheme: "light" });
  const light = await ground();
  await alice.menu().click();
  await page.getByRole("button", { name: "Dark", exact: true }).click();
  await expect.poll(ground).not.toBe(light);
  await alice.ready(); // the chat went on

  await page.goto("/chat");
  await alice.ready();
  expect(await ground()).not.toBe(light);
  await expect(page.locator('meta[name="color-scheme"]')).toHaveAttribute("content", "dark");

  const elsewhere = await visit("bob");
  await elsewhere.openSite();
  await expect(elsewhere.page.locator("body")).toHaveAttribute("data-theme", "system");

  await alice.menu().click();
  await page.getByRole("button", { name: "System", exact: true }).click();
  await expect.poll(ground).toBe(light);
});

test.describe("with an accent of the site's own", () => {
  test.use({ settings: { ACCENT: "#0b5cad" } });
  test("buttons have it", async ({ visit }) => {
    const { page } = await visit("alice");
    await page.emulateMedia({ colorScheme: "light" });
    await page.goto("/signin");
    await expect(page.getByRole("button", { name: "Sign in", exact: true })).toHaveCSS("background-color", "rgb(11, 92, 173)");
  });
});
