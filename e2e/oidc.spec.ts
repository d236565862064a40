// Signing in with the account of an organisation, at a real OpenID Connect provider, and out again.

import { type Page } from "@playwright/test";
import { expect, password, type Person, screens, test as base } from "./support/test.ts";
import { atProvider, logIn, Provider } from "./support/provider.ts";

const test = base.extend<{ provider: Provider }>({
  provider: async ({}, use) => {
    const provider = await Provider.start();
    await use(provider);
    await provider.stop();
  },
  settings: async ({ provider }, use) => use(provider.settings),
  site: async ({ site, provider }, use) => {
    provider.register(site.url);
    await use(site);
  },
});

/** From the sign-in page through the provider, and back; it asks those who they are whom it does not know. */
async function signIn(page: Page, login?: string): Promise<void> {
  await page.goto("/signin");
  await page.getByRole("link", { name: "Sign in with Example ID" }).or(page.getByRole("button", { name: "Sign in with Example ID" })).click();
  if (login) await logIn(page, login);
}

/** Out at the provider, by its own page in another tab: the page in the chat learns it, too. */
async function signOutAtProvider({ context, page }: Person, provider: Provider): Promise<void> {
  const elsewhere = await context.newPage();
  await elsewhere.goto(`${provider.issuer}/session/end`);
  await elsewhere.getByRole("button", { name: /sign me out/i }).click();
  await expect(page.getByRole("link", { name: /^Sign in/ }).first()).toBeVisible();
  await elsewhere.close();
}

/** Out here, and at the provider after it, which asks again who it is. */
async function signOutAtBoth(person: Person): Promise<void> {
  const { page } = person;
  await person.menu().click();
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await page.getByRole("button", { name: /sign me out/i }).click();
  await expect(page).toHaveURL(/^http:\/\/localhost:\d+\//);
  await expect(page.getByRole("link", { name: /^Sign in/ }).first()).toBeVisible();
  await page.goto("/signin/with/example");
  await expect(page.getByPlaceholder("Enter any login")).toBeVisible();
}

test("from the sign-in page to a conversation, and out: here, or there", async ({ visit, bob, provider, site }) => {
  const zoe = await visit("alice");
  atProvider(zoe, provider);
  await signIn(zoe.page, "zoe");
  await expect(zoe.page.getByRole("heading", { level: 1 })).toHaveText("Hello, Zoe Zimmer");
  await zoe.enterChat();
  await zoe.talkTo("bob");
  await zoe.say("Good morning from Example ID");
  await expect(bob.page.getByRole("link", { name: "Chat 1 unread message" })).toBeVisible();

  await signOutAtBoth(zoe);
  await expect.poll(() => site.sessions()).toBe(1); // bob's

  await logIn(zoe.page, "zoe");
  await zoe.enterChat();
  await expect.poll(() => site.sessions()).toBe(2);
  await signOutAtProvider(zoe, provider);
  await expect.poll(() => site.sessions()).toBe(1);
  await expect(bob.page.getByRole("heading", { level: 1 })).toHaveText("Hello, Bob Baker");
  await expect(bob.notice()).toBeHidden();
});

test.describe("on a phone, with XMPP_LOGIN=prebind", () => {
  test.use({ viewport: screens.phone, login: "prebind", transport: "bosh" });

  test("somebody whose name is taken chooses another, talks, and is out: here, or there", async ({ visit, provider, site }) => {
    const alex = await visit("alice");
    atProvider(alex, provider);
    alex.watch.allow(/response: 422/, /status of 422/);
    await signIn(alex.page, "impostor");
    const name = alex.page.getByRole("textbox", { name: "User name" });
    await expect(name).toBeVisible();
    await name.fill("alice");
    await name.press("Enter");
    await expect(alex.page.getByText(/^That user name is not available/)).toBeVisible();
    await name.fill("alex");
    await name.press("Enter");
    await expect(alex.page.getByRole("heading", { level: 1 })).toHaveText("Hello, Alex Impostor");
    await alex.enterChat();
    await alex.talkTo("bob");
    await alex.say("Good morning from my phone");

    await alex.page.getByRole("button", { name: "Close the chat" }).click(); // it covers the page
    await signOutAtBoth(alex);
    await expect.poll(() => site.sessions()).toBe(0);

    await logIn(alex.page, "impostor");
    await expect(alex.page.getByRole("heading", { level: 1 })).toHaveText("Hello, Alex Impostor");
    await alex.enterChat();
    await expect.poll(() => site.sessions()).toBe(1);
    await signOutAtProvider(alex, provider);
    await expect.poll(() => site.sessions()).toBe(0);
  });
});

test.describe("over BOSH", () => {
  test.use({ transport: "bosh" });

  test("somebody who has an account adds the provider to it, and comes in by that, and out", async ({ visit, provider, site }) => {
    const alice = await visit("alice");
    atProvider(alice, provider);
    await alice.openSite();
    await alice.goTo("Settings");
    await alice.page.getByRole("button", { name: "Add Example ID" }).click();
    await alice.page.getByLabel("Your password on this site").fill(password);
    await alice.page.getByRole("button", { name: "Continue to Example ID" }).click();
    await logIn(alice.page, "zoe");
    await expect(alice.page.getByText("Zoe Zimmer (zoe)")).toBeVisible();
    await alice.page.getByRole("button", { name: "Yes, this is me" }).click();
    await expect(alice.page.locator("#ways")).toContainText("Example ID");

    await alice.goTo("Home");
    await alice.signOut();
    await signIn(alice.page); // the provider knows her still
    await expect(alice.page.getByRole("heading", { level: 1 })).toHaveText("Hello, Alice Adler");
    await alice.enterChat();
    await expect.poll(() => site.sessions()).toBe(1);
    await signOutAtProvider(alice, provider);
    await expect.poll(() => site.sessions()).toBe(0);
  });
});
