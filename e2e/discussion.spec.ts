// A room in a page: read by everybody where its owners allow it, and opened beside the page by
// those who are signed in.

import { reply } from "./support/messages.ts";
import { expect, password, test } from "./support/test.ts";

test("what is said in a room is in the page, and a visitor who signs in joins in beside it", async ({ bob, database, visit }) => {
  await bob.page.getByRole("button", { name: "Open Lobby" }).click();
  await bob.say("Straw keeps the snails <b>in</b>");
  await bob.say("שלום לכולם");
  const carol = await visit("carol");
  const { page } = carol;
  const part = page.locator(".discussion");

  await test.step("a visitor reads it", async () => {
    await expect(async () => {
      await page.goto("/articles/garden"); // what it shows may be some seconds old
      await expect(part).toContainText("שלום לכולם", { timeout: 1000 });
      await expect(part).toContainText("Straw keeps the snails <b>in</b>");
    }).toPass();
    await expect(part.locator(".said-by")).toHaveText(["Bob Baker", "Bob Baker"]);
    const [who, hebrew] = await Promise.all([part.locator(".said-by").last(), part.getByText("שלום לכולם")].map(async (each) => (await each.boundingBox())!));
    expect(hebrew!.x).toBeCloseTo(who!.x, 0); // below who says it, in every script
    await expect(part.locator("time").first()).not.toContainText("UTC"); // the browser knows the time where it is
    await expect(part.locator("button")).toHaveCount(0);
  });

  await test.step("on a phone no wider than its screen, whatever is said", async () => {
    const question = "Who can say what helps against voles, which ate two rows of carrots and most of the beetroot in a single night?";
    await bob.say(question);
    await reply(bob, question, "Garlic, it is said");
    await page.setViewportSize({ width: 390, height: 844 });
    await expect(async () => {
      await page.goto("/articles/garden");
      await expect(part.locator(".said-answered")).toContainText("Who can say", { timeout: 1000 });
    }).toPass();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    await page.setViewportSize({ width: 1280, height: 720 });
  });

  await test.step("signs in, and joins in beside it", async () => {
    await part.getByRole("button", { name: "Sign in to join in" }).click();
    await expect(page).toHaveURL(/\/signin\?next=/);
    await page.getByLabel("User name").fill("carol");
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("button", { name: "Join in: Lobby" }).click();
    await expect(carol.room("Lobby")).toBeVisible();
    await carol.hears("Straw keeps the snails");
    await carol.say("And the moles?");
    await bob.hears("And the moles?");
    await expect(page).toHaveURL(/\/articles\/garden$/);
  });

  await test.step("in no page, if its owners do not show it", async () => {
    await database.query("UPDATE rooms SET readable = false WHERE name = 'lobby'");
    const { page: visitor } = await visit("alice");
    await expect(async () => {
      await visitor.goto("/articles/garden"); // what it shows may be some seconds old
      await expect(visitor.locator(".discussion")).toContainText("This discussion is for members.", { timeout: 1000 });
    }).toPass();
    await expect(visitor.locator(".discussion")).not.toContainText("Lobby");
    await page.reload();
    await expect(page.getByRole("button", { name: "Join in: Lobby" })).toBeVisible();
  });
});
