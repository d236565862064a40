// Somebody who has never seen the site: from its start page to a message found again, by what
// stands on the screen and nothing else. A picture of each step is beside the test's results.

import { copyFile } from "node:fs/promises";
import { Autopush } from "./support/autopush.ts";
import { problemsOf, startFirefox } from "./support/firefox.ts";
import { launchOptions } from "./support/launch.ts";
import { PushService } from "./support/push_service.ts";
import { button, ChromiumScreen, FirefoxScreen, link, message, option, type Screen } from "./support/screen.ts";
import { enterRoom, expect, names, type Person, test } from "./support/test.ts";
import { Watch } from "./support/watch.ts";

// The headless shell has no notifications.
test.use({ launchOptions: launchOptions(process.env.CHROMIUM_WHOLE || process.env.CHROMIUM), serviceWorkers: "allow" });
test.describe.configure({ timeout: 300_000 }); // long walks

type Theme = "light" | "dark";

type Look = { byFinger: boolean; viewport: { width: number; height: number }; theme: Theme };

/** A finger and a mouse, a narrow screen and a wide one, both themes; either browser can have either. */
const phone: Look = { byFinger: true, viewport: { width: 390, height: 844 }, theme: "dark" };
const desk: Look = { byFinger: false, viewport: { width: 1440, height: 900 }, theme: "light" };
const name = "Nora Newman";
const photo = new URL("../docs/pictures/landing-wide.webp", import.meta.url);

/** Somebody new, who looks for what to press. */
class Newcomer {
  private shots = 0;

  /** @param file where a file of some name is kept */
  constructor(
    readonly screen: Screen,
    readonly byFinger: boolean,
    readonly file: (name: string) => string,
  ) {}

  async write(whom: string, text: string): Promise<void> {
    const field = { role: "textbox", name: `Message ${whom}` };
    await this.screen.press(field);
    await this.screen.fill(field, text);
    await this.screen.press(button("Send the message"));
    await this.screen.sees(message(text));
  }

  /** Does something with a message: a finger rests on it, a mouse goes there. */
  async choose(text: string, action: "Reply" | "React", emoji?: string): Promise<void> {
    const it = message(text);
    if (!this.byFinger) {
      await this.screen.hover(it);
      await this.screen.press({ within: it, ...button(action) });
      if (emoji) await this.screen.press({ within: it, ...button(new RegExp(emoji, "u")) });
      return;
    }
    const sheet = { role: "dialog", name: "Message actions" };
    await this.screen.rest({ within: it, css: ".chat-msg__text" }, () => this.screen.sees(sheet));
    await this.picture(`what can be done (${action})`);
    await this.screen.press({ within: sheet, ...button(emoji ? new RegExp(emoji, "u") : action) });
  }

  /** Goes to the list, which is not in sight together with a conversation on a phone. */
  async toList(): Promise<void> {
    const [list, back] = [{ role: "searchbox", name: "Find people, rooms and messages" }, button("Back to the list")];
    await expect.poll(async () => (await this.screen.shows(list)) || this.screen.shows(back)).toBe(true);
    if (!(await this.screen.shows(list))) await this.screen.press(back);
  }

  picture(step: string): Promise<unknown> {
    return this.screen.screenshot(this.file(`${String(++this.shots).padStart(2, "0")} ${step}.png`));
  }
}

/** Signs up, and is among people. */
async function join(nora: Newcomer): Promise<void> {
  const { screen } = nora;
  await screen.open("/");
  await nora.picture("the start page");
  await screen.press(button("Create an account"));
  await screen.fill({ role: "textbox", name: /^User name/ }, "nora");
  await screen.fill({ role: "textbox", name: /^Your name, as others see it/ }, name);
  await screen.fill({ css: "main input[type=password]" }, "a few words in a row");
  await nora.picture("an account");
  await screen.press(button("Create account"));
  await screen.sees({ css: "h1", text: `Hello, ${name}` });
  await nora.picture("home");
}

/** Finds Bob among all, writes to him, wants to be notified, and sends a photo. */
async function befriend(nora: Newcomer, bob: Person): Promise<void> {
  const { screen } = nora;
  await screen.press(link("People"));
  await screen.fill({ role: "searchbox", name: "Find a person" }, "bak");
  await screen.sees({ css: "main [role=status]", text: "1 found" }); // nobody else is listed any more
  await nora.picture("people");
  await screen.press(button(`Message ${names.bob}`));
  await screen.sees({ css: "#chat .beginning", text: `This is the beginning of your conversation with ${names.bob}.` });
  await nora.picture("a conversation begins");
  await nora.write(names.bob, "Hello Bob, I am new here. Where is the seed swap?");
  await nora.picture("something is said");
  await screen.allow(button("Notify me"));
  await bob.page.goto("/chat");
  await bob.listed(name).click();
  await bob.hears("Where is the seed swap?");

  const file = nora.file("my garden.webp");
  await copyFile(photo, file);
  await screen.attach({ css: '[title="Choose a file to send"]' }, file);
  await screen.sees({ role: "list", name: "To be sent", text: "my garden.webp" });
  await nora.picture("a photo before it is sent");
  await screen.press(button("Send the message"));
  await expect.poll(() => screen.evaluate(photos)).toEqual([true]);
  await expect.poll(() => bob.page.evaluate(photos)).toEqual([true]);
  await nora.picture("a photo");
}

/** Runs in a page: whether each photo of a conversation has come. */
const photos = () => [...document.querySelectorAll<HTMLImageElement>("#chat .chat-msg img.chat-image")].map(({ naturalWidth }) => naturalWidth > 0);

/** Joins a room, answers there and reacts. */
async function takePart(nora: Newcomer, bob: Person): Promise<void> {
  const { screen } = nora;
  const asked = "Who comes along?";
  await bob.goTo("Home");
  await enterRoom(bob, "Lobby");
  await bob.say(`The seed swap is on Sunday at ten. ${asked}`);
  await nora.toList();
  await nora.picture("the list");
  await screen.press(button("Start a conversation, or make a room"));
  await screen.press({ role: "tab", name: "Rooms" });
  await screen.sees({ ...option(/^Lobby/), text: "1 person here" });
  await nora.picture("rooms");
  await screen.press(option(/^Lobby/));
  await screen.sees(message(asked));
  await nora.picture("a room");
  await nora.choose(asked, "Reply");
  await nora.picture("an answer begins");
  await nora.write("Lobby", "I do, with tomato seeds");
  await nora.choose(asked, "React", "👍");
  await screen.sees({ within: message(asked), css: ".chat-msg__reaction", text: /👍\s*1/u });
  await nora.picture("answered, and liked");
  await bob.hears("I do, with tomato seeds");
  await expect(bob.page.locator("#chat .chat-msg__reaction")).toHaveText(/👍\s*1/u);
}

/** Has closed everything, is told of a message, and comes back to it. */
async function comeBack(nora: Newcomer, bob: Person, site: string): Promise<void> {
  const { screen } = nora;
  const said = "Shall I bring you a watering can?";
  await screen.leave();
  await bob.page.goto("/chat");
  await bob.listed(name).click();
  await bob.say(said);
  await screen.isPushed(site);

  await screen.open("/");
  await expect.poll(() => screen.notices()).toEqual([`bob@localhost ${names.bob}: New message`]);
  await expect.poll(() => screen.evaluate(() => document.title)).toMatch(/^\(1\) /);
  await nora.picture("back, with something new");
  await screen.press(link(/^Chat/));
  await nora.toList(); // where a phone may show where she was
  const entry = link(new RegExp(names.bob));
  await screen.sees({ ...entry, text: said });
  await nora.picture("the list says what is new");
  await screen.press({ ...entry, text: said });
  await screen.inView(message(said));
  await nora.picture("what is new");
  await expect.poll(() => screen.notices()).toEqual([]);
  await nora.write(names.bob, "Oh yes, please");
}

/** Searches for what was said in the room, and is at its place. */
async function findAgain(nora: Newcomer): Promise<void> {
  const { screen } = nora;
  await nora.toList();
  await screen.press(button("Search all messages"));
  await screen.fill({ css: "[role=combobox]" }, "tomato");
  await screen.sees(option(/tomato seeds/));
  await nora.picture("found");
  await screen.press(option(/tomato seeds/));
  await screen.inView(message("I do, with tomato seeds"));
  await screen.inView(message("The seed swap is on Sunday at ten."));
  await nora.picture("at its place");
}

async function journey(nora: Newcomer, bob: Person, site: string): Promise<void> {
  try {
    await test.step("signs up", () => join(nora));
    await test.step("finds somebody, and sends a photo", () => befriend(nora, bob));
    await test.step("takes part in a room", () => takePart(nora, bob));
    await test.step("is told of a message while nothing is open", () => comeBack(nora, bob, site));
    await test.step("finds again what was said", () => findAgain(nora));
  } finally {
    await nora.picture("the end");
  }
}

test("somebody new, on a phone, in the dark", async ({ browser, bob, site }, info) => {
  const { byFinger, viewport, theme } = phone;
  const pushes = await PushService.start();
  const context = await browser.newContext({ viewport, hasTouch: byFinger, isMobile: byFinger, colorScheme: theme, baseURL: site.url });
  const watch = new Watch(context, () => site.url);
  try {
    const nora = new Newcomer(await ChromiumScreen.of(context, pushes, byFinger), byFinger, (name) => info.outputPath(name));
    await journey(nora, bob, site.url);
  } finally {
    await context.close();
    pushes.stop();
  }
  watch.check();
});

test("somebody new, in Firefox, at a desk", async ({ bob, site }, info) => {
  test.skip(!process.env.FIREFOX, "Firefox is not installed");
  const { byFinger, viewport } = desk;
  const pushes = await Autopush.start();
  const firefox = await startFirefox(process.env.FIREFOX!, { ...pushes.preferences, ...preferencesOf(desk) }, viewport);
  try {
    const problems: string[][] = [];
    const screen = await FirefoxScreen.of(firefox, site.url, pushes, (page) => problems.push(problemsOf(page)));
    await journey(new Newcomer(screen, byFinger, (name) => info.outputPath(name)), bob, site.url);
    expect(problems.flat()).toEqual([]);
  } finally {
    await firefox.close();
    pushes.stop();
  }
});

/** Preferences of a Firefox with a theme, with a mouse or a screen that is touched, which shows notifications where there is no desktop. */
function preferencesOf({ theme, byFinger }: Look): Record<string, unknown> {
  const pointer = byFinger ? 1 : 6; // coarse; or fine, and it hovers
  return {
    "ui.systemUsesDarkTheme": theme === "dark" ? 1 : 0,
    "ui.primaryPointerCapabilities": pointer,
    "ui.allPointerCapabilities": pointer,
    "dom.w3c_touch_events.enabled": byFinger ? 1 : 0,
    "alerts.useSystemBackend": false,
  };
}
