// Somebody who has never seen the site: from its start page to a message found again, by what
// stands on the screen and nothing else. A picture of each step is beside the test's results.

import { readFile } from "node:fs/promises";
import type { BrowserContext, Locator, Page, TestInfo } from "@playwright/test";
import { Finger } from "./support/finger.ts";
import { launchOptions } from "./support/launch.ts";
import { deliver, PushService, shownBy } from "./support/push_service.ts";
import { expect, names, type Person, type Site, test } from "./support/test.ts";
import { Watch } from "./support/watch.ts";

// The headless shell has no notifications.
test.use({ launchOptions: launchOptions(process.env.CHROMIUM_WHOLE || process.env.CHROMIUM) });

const screens = {
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
  wide: { viewport: { width: 1440, height: 900 } },
};
const name = "Nora Newman";
const photo = new URL("../docs/pictures/landing-wide.webp", import.meta.url);

/** Somebody new, who looks for what to press. */
class Newcomer {
  private shots = 0;

  private constructor(
    readonly context: BrowserContext,
    public page: Page,
    private readonly byFinger: boolean,
    private readonly info: TestInfo,
  ) {}

  static async at(context: BrowserContext, byFinger: boolean, info: TestInfo): Promise<Newcomer> {
    return new Newcomer(context, await context.newPage(), byFinger, info);
  }

  /** What can be pressed, by what it says. */
  button = (label: string | RegExp): Locator => this.page.getByRole("button", { name: label, exact: typeof label === "string" }).filter({ visible: true }).first();
  link = (label: string | RegExp): Locator => this.page.getByRole("link", { name: label, exact: typeof label === "string" }).filter({ visible: true }).first();

  press(what: Locator): Promise<void> {
    return this.byFinger ? what.tap() : what.click();
  }

  /** A message, by its text. */
  message = (text: string): Locator => this.page.locator("#chat converse-chat-message:visible").filter({ hasText: text }).first();

  async write(whom: string, text: string): Promise<void> {
    const field = this.page.getByRole("textbox", { name: `Message ${whom}` });
    await this.press(field);
    await field.fill(text);
    await this.press(this.button("Send the message"));
    await expect(this.message(text)).toBeVisible();
  }

  /** Does something with a message: a finger rests on it, a mouse goes there. */
  async choose(message: Locator, action: "Reply" | "React", emoji?: string): Promise<void> {
    if (!this.byFinger) {
      await message.hover();
      await this.press(message.getByRole("button", { name: action, exact: true }));
      if (emoji) await this.press(message.getByRole("button", { name: emoji }));
      return;
    }
    const finger = await Finger.on(this.page);
    await finger.rest(message.locator(".chat-msg__text"));
    const sheet = this.page.getByRole("dialog", { name: "What to do with this message" });
    await expect(sheet).toBeVisible();
    await finger.lift();
    await this.picture(`what can be done (${action})`);
    await this.press(sheet.getByRole("button", { name: emoji ?? action }));
  }

  /** Closes all of the site, and has it open again later. */
  async leave(): Promise<void> {
    const away = await this.context.newPage();
    await this.page.close();
    this.page = away;
  }

  async picture(step: string): Promise<void> {
    await this.page.evaluate(() => Promise.allSettled(document.getAnimations().filter(({ effect }) => effect?.getComputedTiming().endTime !== Infinity).map(({ finished }) => Promise.race([finished, new Promise((resolve) => setTimeout(resolve, 1000))]))));
    await this.page.screenshot({ path: this.info.outputPath(`${String(++this.shots).padStart(2, "0")} ${step}.png`) });
  }
}

/** Signs up, and is among people. */
async function join(nora: Newcomer): Promise<void> {
  await nora.page.goto("/");
  await nora.picture("the start page");
  await nora.press(nora.link("Create an account").or(nora.button("Create an account")).first());
  await nora.page.getByLabel("User name").fill("nora");
  await nora.page.getByLabel("Your name, as others see it").fill(name);
  await nora.page.getByLabel("Password").fill("a few words in a row");
  await nora.picture("an account");
  await nora.press(nora.button("Create account"));
  await expect(nora.page.getByRole("heading", { level: 1 })).toHaveText(`Hello, ${name}`);
  await nora.picture("home");
}

/** Finds Bob among all, writes to him, wants to be notified, and sends a photo. */
async function befriend(nora: Newcomer, bob: Person): Promise<void> {
  await nora.press(nora.link("People"));
  await nora.page.getByRole("searchbox", { name: "Find a person" }).fill("bak");
  await expect(nora.page.getByRole("status").filter({ hasText: "1 found" })).toBeAttached();
  await nora.picture("people");
  await nora.press(nora.button(`Message ${names.bob}`));
  await expect(nora.page.getByText(`This is the beginning of your conversation with ${names.bob}.`)).toBeVisible();
  await nora.picture("a conversation begins");
  await nora.write(names.bob, "Hello Bob, I am new here. Where is the seed swap?");
  await nora.picture("something is said");
  await nora.press(nora.button("Notify me"));
  await bob.page.goto("/chat");
  await bob.listed(name).click();
  await bob.hears("Where is the seed swap?");

  const choosing = nora.page.waitForEvent("filechooser");
  await nora.press(nora.page.getByTitle("Choose a file to send").filter({ visible: true }));
  await (await choosing).setFiles({ name: "my garden.webp", mimeType: "image/webp", buffer: await readFile(photo) });
  await expect(nora.page.getByRole("list", { name: "To be sent" })).toContainText("my garden.webp");
  await nora.picture("a photo before it is sent");
  await nora.press(nora.button("Send the message"));
  const shown = (page: Page) => expect.poll(() => page.locator("#chat .chat-msg img.chat-image").evaluateAll((all) => all.map((image) => (image as HTMLImageElement).naturalWidth > 0))).toEqual([true]);
  for (const page of [nora.page, bob.page]) await shown(page);
  await nora.picture("a photo");
}

/** Joins a room, answers there and reacts. */
async function takePart(nora: Newcomer, bob: Person): Promise<void> {
  await bob.page.goto("/chat/room/lobby");
  await expect(bob.room("Lobby")).toBeVisible();
  await bob.say("The seed swap is on Sunday at ten. Who comes along?");
  const back = nora.button("Back to the list");
  if (await back.isVisible()) await nora.press(back);
  await nora.picture("the list");
  await nora.press(nora.button("Start a conversation, or make a room"));
  await nora.press(nora.page.getByRole("tab", { name: "Rooms" }));
  await expect(nora.page.getByRole("option", { name: /^Lobby/ })).toContainText("1 person here");
  await nora.picture("rooms");
  await nora.press(nora.page.getByRole("option", { name: /^Lobby/ }));
  const asked = nora.message("Who comes along?");
  await expect(asked).toBeVisible();
  await nora.picture("a room");
  await nora.choose(asked, "Reply");
  await nora.picture("an answer begins");
  await nora.write("Lobby", "I do, with tomato seeds");
  await nora.choose(asked, "React", "👍");
  await expect(nora.message("Who comes along?").locator(".chat-msg__reaction")).toHaveText(/👍\s*1/u);
  await nora.picture("answered, and liked");
  await bob.hears("I do, with tomato seeds");
  await expect(bob.page.locator("#chat .chat-msg__reaction")).toHaveText(/👍\s*1/u);
}

/** Has closed everything, is told of a message, and comes back to it. */
async function comeBack(nora: Newcomer, bob: Person, pushes: PushService, site: Site): Promise<void> {
  await nora.leave();
  await bob.page.goto("/chat");
  await bob.listed(name).click();
  await bob.say("Shall I bring you a watering can?");
  await expect.poll(() => pushes.notices.length).toBe(1);
  await deliver(nora.page, site.url, pushes.notices[0]!);
  await expect.poll(() => shownBy(nora.context)).toEqual([`bob@localhost ${names.bob}: New message`]);

  await nora.page.goto("/");
  await expect(nora.page).toHaveTitle(/^\(1\) /);
  await nora.picture("back, with something new");
  await nora.press(nora.link(/^Chat/));
  const [back, listed] = [nora.button("Back to the list"), nora.page.getByRole("searchbox", { name: "Find people, rooms and messages" })];
  await expect(back.or(listed).first()).toBeVisible();
  if (!(await listed.isVisible())) await nora.press(back); // a phone shows where she was
  await expect(nora.page.getByRole("link", { name: new RegExp(names.bob) }).first()).toContainText("Shall I bring you a watering can?");
  await nora.picture("the list says what is new");
  await nora.press(nora.page.getByRole("link", { name: new RegExp(names.bob) }).first());
  await expect(nora.message("Shall I bring you a watering can?")).toBeInViewport();
  await nora.picture("what is new");
  await expect.poll(() => shownBy(nora.context)).toEqual([]);
  await nora.write(names.bob, "Oh yes, please");
}

/** Searches for what was said in the room, and is at its place. */
async function findAgain(nora: Newcomer): Promise<void> {
  const back = nora.button("Back to the list");
  if (await back.isVisible()) await nora.press(back);
  await nora.press(nora.button("Search all messages"));
  await nora.page.getByRole("combobox", { name: "Search people, rooms and messages" }).fill("tomato");
  const found = nora.page.getByRole("option", { name: /tomato seeds/ });
  await expect(found).toHaveCount(1);
  await nora.picture("found");
  await nora.press(found);
  await expect(nora.message("I do, with tomato seeds")).toBeInViewport();
  await expect(nora.message("The seed swap is on Sunday at ten.")).toBeInViewport();
  await nora.picture("at its place");
}

for (const [screen, options] of Object.entries(screens)) {
  for (const colorScheme of ["light", "dark"] as const) {
    test(`somebody new, ${screen}, ${colorScheme}`, async ({ browser, bob, site }, info) => {
      const pushes = await PushService.start();
      const context = await browser.newContext({ ...options, colorScheme, baseURL: site.url });
      const watch = new Watch(context, () => site.url);
      try {
        await pushes.serve(context);
        const nora = await Newcomer.at(context, screen === "phone", info);
        await test.step("signs up", () => join(nora));
        await test.step("finds somebody, and sends a photo", () => befriend(nora, bob));
        await test.step("takes part in a room", () => takePart(nora, bob));
        await test.step("is told of a message while nothing is open", () => comeBack(nora, bob, pushes, site));
        await test.step("finds again what was said", () => findAgain(nora));
      } finally {
        await context.close();
        pushes.stop();
      }
      watch.check();
    });
  }
}
