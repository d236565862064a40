// What people look at: one set of colours and one typeface everywhere
// (static/css/tokens.css), and the theme that somebody chooses.

import { foreignLooks } from "./support/colours.ts";
import { expect, inBothThemes, joinRoom, makeRoom, type Person, test } from "./support/test.ts";

test.use({ contextOptions: { reducedMotion: "reduce" } });

async function expectOurLook(person: Person): Promise<void> {
  await inBothThemes(person.page, async (theme) => {
    await expect.poll(() => foreignLooks(person.page), theme).toEqual([]); // colours may be on their way
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
  await test.step("a room", async () => {
    await makeRoom(alice, "Garden");
    await joinRoom(bob, "Garden");
    await bob.say("Good *morning*, `everybody`: https://example.org/");
    await alice.hears("everybody");
    await alice.goTo("Chat");
    await alice.hears("everybody");
    await expectOurLook(alice);
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
