// Apps on people's devices: a password for each, shown once, revoked at any time.

import { violations } from "./support/axe.ts";
import { expect, inBothThemes, screens, test } from "./support/test.ts";

test.use({ settings: { XMPP_C2S_ADDR: "localhost:0", XMPP_C2S_TLS_ADDR: "localhost:0" } });

test("a password is made, shown once, and revoked", async ({ alice }, info) => {
  const { page } = alice;
  await page.emulateMedia({ reducedMotion: "reduce" });
  /** On a phone in the light theme, and wide in the dark one. */
  const looksWell = async (name: string) => {
    await inBothThemes(page, async (theme) => {
      await page.setViewportSize(theme === "light" ? screens.phone : screens.wide);
      await info.attach(`${name}, ${theme}`, { body: await page.screenshot(), contentType: "image/png" });
      expect(await violations(page, theme)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBeLessThanOrEqual(0);
    });
  };
  await alice.goTo("Settings");
  await page.getByLabel("Which app or device is it for?").fill("Phone");
  await page.getByRole("button", { name: "Make a password" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Password for Phone");
  const card = page.locator("#app-password");
  const secret = await card.locator(".secret").innerText();
  expect(secret).toMatch(/^([a-z2-9]{4}-){4}[a-z2-9]{4}$/);
  await expect(card).toContainText("alice@localhost");
  await expect(card).toContainText("STARTTLS");
  await looksWell("made");
  // The chat has not noticed: the page changed, the document did not.
  await expect(page.locator("#chat converse-root")).toBeAttached();

  await page.reload();
  await expect(page.getByText(secret)).toHaveCount(0);
  await expect(page).toHaveURL(/\/settings/);
  const row = page.locator("#apps li").filter({ hasText: "Phone" });
  await expect(row).toContainText("Never used");
  await row.scrollIntoViewIfNeeded();
  await looksWell("listed");
  await row.getByRole("button", { name: "Revoke the password of Phone" }).click();
  await expect(page.getByRole("status").filter({ hasText: "revoked" })).toBeVisible();
  await expect(row).toHaveCount(0);
});

test("without JavaScript", async ({ browser, site }) => {
  const context = await browser.newContext({ baseURL: site.url, javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto("/signin");
  await page.getByLabel("User name").fill("bob");
  await page.getByLabel("Password").fill("foyer-demo");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.goto("/settings");
  await page.getByLabel("Which app or device is it for?").fill("Laptop");
  await page.getByRole("button", { name: "Make a password" }).click();
  await expect(page.locator(".secret")).toBeVisible();
  await page.getByRole("button", { name: "Done" }).or(page.getByRole("link", { name: "Done" })).click();
  await page.getByRole("button", { name: "Revoke the password of Laptop" }).click();
  await expect(page.getByRole("status")).toContainText("revoked");
  await context.close();
});
