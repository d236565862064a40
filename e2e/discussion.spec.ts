// A room in a page: read by everybody where its owners allow it, and opened beside the page by
// those who are signed in.

import { expect, test } from "./support/test.ts";

test("what is said in a room is in the page, and a visitor who signs in joins in beside it", async ({ alice, bob, visit }) => {
  await bob.page.goto("/chat/room/lobby");
  await expect(bob.room("Lobby")).toBeVisible();
  await bob.say("Straw keeps the snails <b>in</b>");
  await bob.say("שלום לכולם");
  const { page } = await visit("carol");
  const part = page.locator(".discussion");
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
  await part.getByRole("button", { name: "Sign in to join in" }).click();
  await expect(page).toHaveURL(/\/signin\?next=/);

  await alice.page.goto("/articles/garden");
  await alice.page.getByRole("button", { name: "Join in: Lobby" }).click();
  await expect(alice.room("Lobby")).toBeVisible();
  await alice.hears("Straw keeps the snails");
  await alice.say("And the moles?");
  await bob.hears("And the moles?");
  await expect(alice.page).toHaveURL(/\/articles\/garden$/);
});

test("a room that its owners do not show is in no page", async ({ alice, database, visit }) => {
  await database.query("UPDATE rooms SET readable = false WHERE name = 'lobby'");
  const { page } = await visit("bob");
  await page.goto("/articles/garden");
  await expect(page.locator(".discussion")).toContainText("This discussion is for members.");
  await expect(page.locator(".discussion")).not.toContainText("Lobby");
  await alice.page.goto("/articles/garden");
  await expect(alice.page.getByRole("button", { name: "Join in: Lobby" })).toBeVisible();
});
