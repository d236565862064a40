// What people look at: one set of colours and one typeface everywhere
// (static/css/tokens.css), and the theme that somebody chooses.

import { violations } from "./support/axe.ts";
import { foreignLooks } from "./support/colours.ts";
import { choose } from "./support/messages.ts";
import { costlySelectors } from "./support/selectors.ts";
import { expect, inBothThemes, joinRoom, makeRoom, names, type Person, test } from "./support/test.ts";

test.use({ contextOptions: { reducedMotion: "reduce" } });

async function expectOurLook(person: Person): Promise<void> {
  await inBothThemes(person.page, async (theme) => {
    await expect.poll(() => foreignLooks(person.page), theme).toEqual([]); // colours may be on their way
  });
}

/** The same, and axe finds nothing. */
async function expectToBeRight({ page }: Person): Promise<void> {
  await inBothThemes(page, async (theme) => {
    await expect.poll(() => foreignLooks(page), theme).toEqual([]);
    expect(await violations(page), theme).toEqual([]);
  });
}

test("every colour in sight is one of the site's own, and no font is loaded", async ({ alice, bob, visit }) => {
  const { page } = alice;
  const fonts: string[] = [];
  page.on("request", (request) => void (request.resourceType() === "font" && fonts.push(request.url())));

  await test.step("a visitor's pages", async () => {
    const visitor = await visit("carol");
    visitor.watch.allow(/\b404\b/);
    for (const path of ["/", "/signin", "/signup", "/nothing-here"]) {
      await visitor.page.goto(path);
      await expectOurLook(visitor);
    }
  });
  await test.step("a member's pages", async () => {
    for (const path of ["/people", "/rooms", "/settings", "/settings/files", "/"]) {
      await page.goto(path);
      await alice.ready();
      await expectOurLook(alice);
    }
  });
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
    await joinRoom(bob, "Garden");
    await bob.say("Good *morning*, `everybody`: https://example.org/");
    await alice.hears("everybody");
    await alice.goTo("Chat");
    await alice.hears("everybody");
    await expectOurLook(alice);
    expect(await costlySelectors(page)).toEqual([]); // bench/README.md, "Going back through 10,000 messages"
  });
  await test.step("what is above it", async () => {
    await page.locator("#chat .chat-head converse-dropdown .dropdown-toggle").click();
    await expectOurLook(alice);
    await page.locator("#chat .chat-head .dropdown-item").filter({ hasText: "Delete the room" }).click();
    await expect(page.locator("#chat .modal.show button").last()).toBeVisible();
    await expectOurLook(alice);
    await page.keyboard.press("Escape");
    await expect(page.locator("#chat .modal.show")).toHaveCount(0);
    await page.locator("#chat .toggle-emojis").click();
    await expect(page.locator("#chat .insert-emoji").first()).toBeVisible();
    await expectOurLook(alice);
    await page.keyboard.press("Escape");
    await alice.input().pressSequentially("@B");
    await expect(page.locator("#chat .suggestion-box__results li").first()).toBeVisible();
    await expectOurLook(alice);
  });
  expect(fonts).toEqual([]);
});

test("what opens around a conversation has the same look, and axe finds nothing", async ({ alice, bob }) => {
  test.setTimeout(300_000);
  const { page } = alice;
  await makeRoom(alice, "Garden");
  await joinRoom(bob, "Garden");
  await bob.say("Good morning, everybody");
  await alice.goTo("Chat");
  await alice.hears("everybody");
  await test.step("what is answered", async () => {
    await choose(alice, "everybody", "Reply");
    await expect(page.locator("#chat .reply-preview")).toBeVisible();
    await expectToBeRight(alice);
    await page.getByTitle("Cancel reply").click();
  });
  await test.step("what is beside it", async () => {
    await page.getByRole("button", { name: "Members", exact: true }).click();
    await expect(page.locator("#room-panel .room-person").filter({ hasText: names.bob })).toBeVisible();
    await expectToBeRight(alice);
    await page.locator("#room-panel .room-person").filter({ hasText: names.bob }).click();
    await expect(page.getByRole("dialog", { name: names.bob }).getByRole("button", { name: "Make owner" })).toBeVisible();
    await expectToBeRight(alice);
    await page.keyboard.press("Escape");
    await page.locator("#room-panel").getByRole("button", { name: "Close" }).click();
  });
  await test.step("the search in one conversation", async () => {
    await page.getByRole("button", { name: "Search this conversation" }).click();
    const search = page.getByRole("dialog", { name: "Search" });
    await expect(search.getByRole("combobox", { name: "Where" }).locator(":checked")).toHaveText(/Garden/);
    await page.keyboard.type("morning");
    await expect(search.locator(".search-option")).toHaveText(/Good morning, everybody/);
    await expectToBeRight(alice);
    await page.keyboard.press("Escape");
  });
  await test.step("a conversation that nobody has begun", async () => {
    await page.goto("/chat/with/carol");
    await expect(page.locator("#chat .beginning")).toHaveText(/This is the beginning of your conversation with Carol Costa. Say hello!/);
    await expectToBeRight(alice);
    await alice.say("Hello!");
    await expect(page.locator("#chat .beginning")).not.toContainText("Say hello");
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
