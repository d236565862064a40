// Passkeys, with Chromium's authenticator for tests (WebAuthn §11): one is added in the settings, and signs in by the
// button and from the suggestions of the user name's field.

import type { CDPSession, Page } from "@playwright/test";
import { violations } from "./support/axe.ts";
import { comeToRest } from "./support/rest.ts";
import { expectToLookRight } from "./support/right.ts";
import { expect, inBothThemes, password, type Person, screens, test } from "./support/test.ts";

/** A device's own authenticator, at a page. */
class Authenticator {
  /** Whether the page may offer it in the field of the user name, where it chooses at once. */
  suggested = false;

  private constructor(
    private readonly session: CDPSession,
    private readonly authenticatorId: string,
  ) {}

  static async of(page: Page): Promise<Authenticator> {
    const session = await page.context().newCDPSession(page);
    await session.send("WebAuthn.enable");
    const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
      options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
    });
    const device = new Authenticator(session, authenticatorId);
    await page.exposeFunction("suggested", () => device.suggested);
    await page.addInitScript(() => (PublicKeyCredential.isConditionalMediationAvailable = () => (window as unknown as { suggested: () => Promise<boolean> }).suggested()));
    return device;
  }

  /** Whether the person is there, and proves to be who they are. */
  async obey(enabled: boolean): Promise<void> {
    await this.session.send("WebAuthn.setUserVerified", { authenticatorId: this.authenticatorId, isUserVerified: enabled });
    await this.session.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId: this.authenticatorId, enabled });
  }

  async credentials() {
    return (await this.session.send("WebAuthn.getCredentials", { authenticatorId: this.authenticatorId })).credentials;
  }

  /** What it keeps counts from anew, as that of a copy from before. */
  async countAgain(): Promise<void> {
    for (const credential of await this.credentials()) {
      await this.session.send("WebAuthn.removeCredential", { authenticatorId: this.authenticatorId, credentialId: credential.credentialId });
      await this.session.send("WebAuthn.addCredential", { authenticatorId: this.authenticatorId, credential: { ...credential, signCount: 0 } });
    }
  }
}

const section = (page: Page) => page.locator("#passkeys");
const button = (page: Page) => page.getByRole("button", { name: "Sign in with a passkey" });

/** Adds one in the settings, up to the page on which the browser makes it. */
async function begin({ page }: Person, name: string, typed = password): Promise<void> {
  await page.goto("/settings");
  await section(page).getByLabel("A name for the new passkey").fill(name);
  await section(page).getByLabel("Password, to confirm that it is you").fill(typed);
  await section(page).getByRole("button", { name: "Add a passkey" }).click();
}

async function add(person: Person, name: string): Promise<void> {
  await begin(person, name);
  await expect(person.page.getByRole("status").filter({ hasText: "The passkey has been added." })).toBeVisible(); // by that one press
  await expect(section(person.page).getByText(name, { exact: true })).toBeVisible();
}

async function signOut({ page }: Person): Promise<void> {
  await page.locator("details.menu summary").click();
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await expect(page.getByText("You are signed out.")).toBeVisible();
}

/** Nothing sticks out, axe finds nothing, on a phone and a wide screen, in both themes. */
async function look(page: Page, name: string): Promise<void> {
  for (const [size, viewport] of Object.entries(screens)) {
    await page.setViewportSize(viewport);
    await page.evaluate(comeToRest);
    const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    expect(content, size).toBeLessThanOrEqual(window!);
    if (size === "wide") await expectToLookRight(page);
    await inBothThemes(page, async (theme) => {
      expect(await violations(page, theme), `${name}, ${size}, ${theme}`).toEqual([]);
      if (process.env["SHOTS"]) await page.screenshot({ path: `${process.env["SHOTS"]}/${name}-${size}-${theme}.png`, fullPage: name !== "settings" });
    });
  }
}

test("a passkey is added, signs in, and is removed", async ({ visit, site }) => {
  const alice = await visit("alice");
  const { page } = alice;
  const device = await Authenticator.of(page);
  await alice.openSite();

  await test.step("added", async () => {
    await page.goto("/settings");
    await expect(section(page).getByLabel("A name for the new passkey")).toHaveValue(/ on /); // this browser
    alice.watch.allow(/ 422 |status of 422/);
    await begin(alice, "Laptop", "wrong password");
    await expect(section(page).getByRole("alert")).toHaveText("That is not your password.");
    await add(alice, "Laptop");
    const [credential] = await device.credentials();
    expect(credential).toMatchObject({ rpId: "localhost", isResidentCredential: true });
    expect(Buffer.from(credential!.userHandle!, "base64")).toHaveLength(64);
    expect(Buffer.from(credential!.userHandle!, "base64").toString()).not.toContain("alice");
    await section(page).scrollIntoViewIfNeeded();
    await look(page, "settings");
  });

  await test.step("a device has one of each account", async () => {
    await begin(alice, "Laptop again");
    await expect(page.getByRole("alert")).toHaveText("There is a passkey for your account on that device already.");
    await look(page, "add");
    await page.getByRole("link", { name: "Back to the settings" }).click();
    await expect(section(page).getByRole("listitem")).toHaveText(/^\s*Laptop\s/);
  });

  await test.step("signs in by the button, where one wanted to go, on a device that is trusted", async () => {
    await signOut(alice);
    await page.goto("/signin?next=/people");
    await expect(button(page)).toBeVisible();
    await look(page, "signin");
    await page.getByLabel("Stay signed in on this device").check();
    await button(page).click();
    await expect(page).toHaveURL(/^[^?]*\/people$/);
    await alice.page.goto("/");
    await alice.enterChat();
    const session = (await alice.context.cookies()).find(({ name }) => name === "foyer")!;
    expect(session.expires).toBeGreaterThan(Date.now() / 1000 + 29 * 24 * 3600);
    expect(await site.sessions()).toBe(1);
  });

  await test.step("from the suggestions of the field", async () => {
    await page.goto("/");
    await signOut(alice);
    device.suggested = true;
    await page.goto("/signin");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Hello, Alice Adler");
  });

  await test.step("refused: it was removed, or somebody has a copy", async () => {
    await page.goto("/settings");
    await expect(section(page).getByText(/^Last used/)).toBeVisible();
    await section(page).getByRole("button", { name: "Remove the passkey Laptop" }).click();
    await look(page, "remove");
    await page.getByRole("button", { name: "Remove", exact: true }).click();
    await expect(page.getByText("The passkey has been removed.")).toBeVisible();
    await expect(section(page).getByRole("listitem")).toHaveCount(0);
    await signOut(alice);
    device.suggested = false;
    await page.goto("/signin");
    await button(page).click();
    await expect(page.getByRole("alert")).toHaveText(/This passkey opens no account here/);
  });
});

test("a copy of a passkey is refused", async ({ visit }) => {
  const bob = await visit("bob");
  const device = await Authenticator.of(bob.page);
  await bob.openSite();
  await add(bob, "Phone");
  await signOut(bob);
  await bob.page.goto("/signin");
  await button(bob.page).click();
  await expect(bob.page.getByRole("heading", { level: 1 })).toHaveText("Hello, Bob Baker");
  await signOut(bob);
  await device.countAgain();
  bob.watch.allow(/ 422 |status of 422/);
  await bob.page.goto("/signin");
  await button(bob.page).click();
  await expect(bob.page.getByRole("alert")).toHaveText(/seems to have been copied/);
});

test("what is cancelled can be tried again", async ({ visit }) => {
  const carol = await visit("carol");
  const { page } = carol;
  const device = await Authenticator.of(page);
  await carol.openSite();
  await device.obey(false);
  await page.addInitScript(() => {
    // A person takes longer than a test may, and no authenticator says that they cancelled.
    const create = navigator.credentials.create.bind(navigator.credentials);
    navigator.credentials.create = (options) => ((window as { busy?: boolean }).busy ? create(options) : Promise.reject(new DOMException("", "NotAllowedError")));
  });
  await begin(carol, "Phone");
  await expect(page.getByRole("alert")).toHaveText(/Nothing was saved/);
  await device.obey(true);
  await page.evaluate(() => ((window as { busy?: boolean }).busy = true));
  await page.getByRole("button", { name: "Create the passkey" }).click();
  await expect(page.getByText("The passkey has been added.")).toBeVisible();
});

test("who presses the button before suggestions are there is asked by it alone", async ({ visit }) => {
  const { page } = await visit("dave");
  const device = await Authenticator.of(page);
  device.suggested = true;
  await page.addInitScript(() => {
    const asked: (string | undefined)[] = [];
    Object.assign(window, { asked });
    navigator.credentials.get = (options) => {
      const at = asked.push(options?.mediation ?? "by the button") - 1;
      options?.signal?.addEventListener("abort", () => (asked[at] += ", taken back"));
      return new Promise(() => {}); // the person takes their time
    };
  });
  const asked = () => page.evaluate(() => (window as unknown as { asked: string[] }).asked);
  const starts: (() => Promise<unknown>)[] = [];
  await page.route("**/signin/passkey/start", (route) => {
    starts.push(async () => {
      const answered = page.waitForResponse(route.request().url());
      await route.continue();
      await (await answered).finished();
    });
  });
  await page.goto("/signin");
  await expect.poll(() => starts.length).toBe(1);
  await button(page).click();
  await expect.poll(() => starts.length).toBe(2);
  await starts[1]!();
  await expect.poll(asked).toEqual(["by the button"]);
  await starts[0]!();
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve))); // it is read
  expect(await asked()).toEqual(["by the button"]);
});

for (const [why, contextOptions] of [["without a script", { javaScriptEnabled: false }], ["in a browser without passkeys", {}]] as const) {
  test.describe(why, () => {
    test.use({ contextOptions });

    test("nothing of it is offered at the sign-in", async ({ visit }) => {
      const dave = await visit("dave");
      await dave.context.addInitScript(() => delete (window as { PublicKeyCredential?: unknown }).PublicKeyCredential);
      await dave.page.goto("/signin");
      await expect(dave.page.getByRole("button", { name: "Sign in", exact: true })).toBeVisible();
      await expect(button(dave.page)).toBeHidden();
      await dave.getCookie();
      await begin(dave, "Phone");
      if (why === "without a script") await expect(dave.page.locator("main noscript p")).toContainText("Passkeys need JavaScript."); // by its text alone Playwright finds nothing in there
      else await expect(dave.page.getByRole("alert")).toHaveText("This browser cannot make passkeys for this site.");
    });
  });
}
