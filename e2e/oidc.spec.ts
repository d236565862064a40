// Signing in with the account of an organisation, at a real OpenID Connect provider, and out again.

import { type Page } from "@playwright/test";
import { expect, password, screens, test as base, ways } from "./support/test.ts";
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

/** From the sign-in page through the provider, and back. */
async function signInAs(page: Page, login: string): Promise<void> {
  await page.goto("/signin");
  await page.getByRole("link", { name: "Sign in with Example ID" }).or(page.getByRole("button", { name: "Sign in with Example ID" })).click();
  await logIn(page, login);
}

for (const [screen, viewport] of Object.entries(screens)) {
  test.describe(screen, () => {
    test.use({ viewport, transport: screen === "phone" ? "bosh" : "websocket" });

    test("from the sign-in page to a conversation, and out at both", async ({ visit, bob, provider }) => {
      const zoe = await visit("alice");
      atProvider(zoe, provider);
      await signInAs(zoe.page, "zoe");
      await expect(zoe.page.getByRole("heading", { level: 1 })).toHaveText("Hello, Zoe Zimmer");
      await zoe.enterChat();
      await zoe.talkTo("bob");
      await zoe.say("Good morning from Example ID");
      await expect(bob.page.getByRole("link", { name: "Chat 1 unread message" })).toBeVisible();

      if (screen === "phone") await zoe.page.getByRole("button", { name: "Close the chat" }).click(); // it covers the page
      await zoe.menu().click();
      await zoe.page.getByRole("button", { name: "Sign out", exact: true }).click();
      await zoe.page.getByRole("button", { name: /sign me out/i }).click();
      await expect(zoe.page).toHaveURL(/^http:\/\/localhost:\d+\//);
      await expect(zoe.page.getByRole("link", { name: /^Sign in/ }).first()).toBeVisible();
      // Out at the provider, too: it asks again who it is.
      await zoe.page.goto("/signin/with/example");
      await expect(zoe.page.getByPlaceholder("Enter any login")).toBeVisible();
    });

    test("somebody whose name is taken chooses another", async ({ visit, provider }) => {
      const alex = await visit("alice");
      atProvider(alex, provider);
      alex.watch.allow(/response: 422/, /status of 422/);
      await signInAs(alex.page, "impostor");
      const name = alex.page.getByRole("textbox", { name: "User name" });
      await expect(name).toBeVisible();
      await name.fill("alice");
      await name.press("Enter");
      await expect(alex.page.getByText(/not available/)).toBeVisible();
      await name.fill("alex");
      await name.press("Enter");
      await expect(alex.page.getByRole("heading", { level: 1 })).toHaveText("Hello, Alex Impostor");
      await alex.enterChat();
    });
  });
}

test("somebody who has an account adds the provider to it, and comes in by that", async ({ visit, alice, provider }) => {
  atProvider(alice, provider);
  await alice.page.goto("/settings");
  await alice.page.getByRole("button", { name: "Add Example ID" }).click();
  await alice.page.getByLabel("Your password here").fill(password);
  await alice.page.getByRole("button", { name: "Go on to Example ID" }).click();
  await logIn(alice.page, "zoe");
  await expect(alice.page.getByText("Zoe Zimmer (zoe)")).toBeVisible();
  await alice.page.getByRole("button", { name: "Yes, that is me" }).click();
  await expect(alice.page.locator("#ways")).toContainText("Example ID");

  const phone = await visit("alice");
  atProvider(phone, provider);
  await signInAs(phone.page, "zoe");
  await expect(phone.page.getByRole("heading", { level: 1 })).toHaveText("Hello, Alice Adler");
});

for (const { login, transport } of ways.filter((way) => way.login === "session" || way.login === "prebind")) {
  test.describe(`${login} over ${transport}`, () => {
    test.use({ login, transport });

    test("who signs out at the provider is out of the chat", async ({ visit, bob, provider, site }) => {
      const zoe = await visit("alice");
      atProvider(zoe, provider);
      await signInAs(zoe.page, "zoe");
      await zoe.enterChat();
      await expect.poll(async () => (await site.counts()).foyer_sessions).toBe(2);

      const elsewhere = await zoe.context.newPage();
      await elsewhere.goto(`${provider.issuer}/session/end`);
      await elsewhere.getByRole("button", { name: /sign me out/i }).click();
      await expect.poll(async () => (await site.counts()).foyer_sessions).toBe(1); // bob's
      await expect(zoe.page.getByRole("link", { name: /^Sign in/ }).first()).toBeVisible();
      await expect(bob.page.getByRole("heading", { level: 1 })).toHaveText("Hello, Bob Baker");
    });
  });
}
