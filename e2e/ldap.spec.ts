// People of a directory: from the sign-in page to a conversation, and out again, by their own
// hand or by that of the people who look after the directory.

import type { Page } from "@playwright/test";
import { directoryPassword, hasSlapd, Slapd } from "./support/slapd.ts";
import { expect, screens, test as base } from "./support/test.ts";

const test = base.extend<{ slapd: Slapd }>({
  slapd: async ({}, use) => {
    base.skip(!hasSlapd, "slapd and ldap-utils are not installed; scripts/test.sh interop does that");
    const slapd = new Slapd();
    await slapd.start({ zoe: "Zoë Zimmer" });
    await use(slapd);
    await slapd.stop();
  },

  settings: async ({ slapd }, use) => {
    await use({ ...slapd.settings, LDAP_LABEL: "Example Ltd", DIRECTORY_RECHECK: "1s" });
  },
});

/** Fills in the form, as somebody of the directory does. */
async function fillIn(page: Page): Promise<void> {
  await page.getByLabel("User name").fill("zoe");
  await page.getByLabel("Password").fill(directoryPassword);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

async function signIn(page: Page): Promise<void> {
  await page.goto("/signin");
  await expect(page.getByText("You can also use the password of Example Ltd.")).toBeVisible();
  await fillIn(page);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Hello, Zoë Zimmer");
}

test("by the directory, into a conversation, and out: by one's own hand, or put out of a running chat", async ({ visit, slapd, site }) => {
  const [zoe, bob] = [await visit("carol"), await visit("bob")]; // whose browser it is does not matter
  await signIn(zoe.page);
  await zoe.talkTo("bob");
  await zoe.say("Hello from the directory");
  await bob.signIn();
  await bob.page.getByRole("button", { name: "Message Zoë Zimmer" }).click();
  await bob.hears("Hello from the directory");
  await bob.say("Hello, Zoë");
  await zoe.hears("Hello, Zoë");
  await zoe.signOut();
  await expect.poll(() => site.sessions()).toBe(1); // bob's

  await signIn(zoe.page);
  await zoe.talkTo("bob");
  await zoe.say("still here");
  await expect.poll(() => site.sessions()).toBe(2);
  zoe.watch.allow(/401|422/); // how a page learns that it is signed out; and the form, later
  slapd.disable("zoe");
  await expect(zoe.page.getByRole("link", { name: "Sign in" }).first()).toBeVisible();
  await expect.poll(() => site.sessions()).toBe(1);
  await zoe.page.goto("/signin");
  await fillIn(zoe.page);
  await expect(zoe.page.getByRole("alert")).toBeVisible();
});

test.describe("with XMPP_LOGIN=password, on a phone, over BOSH", () => {
  test.use({ viewport: screens.phone, login: "password", transport: "bosh" });

  test("the chat's form takes the directory's password", async ({ visit, bob, site }) => {
    const zoe = await visit("carol");
    await signIn(zoe.page);
    await zoe.page.getByRole("button", { name: /^Chat( \d|$)/ }).click();
    const form = zoe.page.locator("converse-login-form form");
    await form.locator('input[name="password"]').fill(directoryPassword);
    await form.locator('[type="submit"]').click();
    await expect(form).toHaveCount(0);
    await zoe.page.getByRole("button", { name: "Close the chat" }).click(); // it covers the page
    await zoe.talkTo("bob");
    await zoe.say("By the directory's password");
    await expect(bob.page.getByRole("link", { name: "Chat 1 unread message" })).toBeVisible();
    await expect.poll(() => site.sessions()).toBe(2); // the chat stands on the page's
    await zoe.page.getByRole("button", { name: "Close the chat" }).click();
    await zoe.signOut();
    await expect.poll(() => site.sessions()).toBe(1);
  });
});
