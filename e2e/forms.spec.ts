import { expect, test } from "./support/test.ts";

// a mistake in a form is in view, and has the focus.
for (const javaScriptEnabled of [true, false]) {
  test(`what is wrong in a form is shown ${javaScriptEnabled ? "by the page" : "without a script"}`, async ({ site, browser }) => {
    const context = await browser.newContext({ javaScriptEnabled, viewport: { width: 390, height: 844 }, baseURL: site.url });
    const page = await context.newPage();
    await page.goto("/signin");
    await page.getByLabel("User name").fill("alice");
    await page.getByLabel("Password").fill("foyer-demo");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.goto("/settings");
    await page.getByLabel("Current password").fill("not this one");
    await page.getByLabel("New password").fill("a few good words in a row");
    await page.getByRole("button", { name: "Change password" }).click();
    await expect(page.getByText("That is not your password.")).toBeInViewport();
    await expect(page.getByLabel("Current password")).toBeFocused();
    await context.close();
  });
}

// whoever is signed in is not shown as a visitor while nobody can tell.
test("a member's page while the database is away", async ({ alice, cluster }) => {
  await alice.ready();
  alice.watch.allow(/503|Failed to load resource|Could not fetch bookmarks/); // what the chat asks for just then
  await cluster.stop();
  await alice.page.getByRole("link", { name: "Rooms", exact: true }).click();
  await expect(alice.page.getByText("We cannot reach our database just now.")).toBeVisible();
  await expect(alice.menu()).toHaveAccessibleName(/Alice Adler/);
  await alice.page.reload();
  await expect(alice.page.getByText("We cannot reach our database just now.")).toBeVisible();
  await expect(alice.page.getByRole("link", { name: "Sign in" })).toHaveCount(0);
  await cluster.resume();
});
