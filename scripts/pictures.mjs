// Makes docs/pictures, which docs/DESIGN.md shows: each state as people see it, wide and on
// a phone, in the light theme and in the dark one. It runs a site of its own, with the demo
// accounts and nothing else in it, and four people who talk there. Run it after the looks
// changed, look at what it made, and commit it:
//
//     make build && node scripts/pictures.mjs [state …]
//
// With CHROMIUM set to a browser's path if Playwright has none of its own; the machine
// needs a typeface with coloured emoji (Debian: fonts-noto-color-emoji).

import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(root, "docs/pictures");
const only = process.argv.slice(2);
const largest = 60_000; // bytes of one picture

/** @typedef {import("@playwright/test").Page} Page */
/** @typedef {import("@playwright/test").Locator} Locator */
/** @typedef {"light" | "dark"} Theme */

const screens = {
  wide: { viewport: { width: 1440, height: 900 } },
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
};

/** Starts the site, on a free port and with a database of its own. */
async function startSite(/** @type {string} */ dir) {
  const env = { ...process.env, APP_ENV: "development", ADDR: "localhost:0", DATABASE_URL: "", DATA_DIR: dir, LINK_PREVIEWS: "false" };
  const site = spawn(join(root, "bin/foyer"), ["serve"], { env, stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface(site.stdout)) {
    const [, url] = line.match(/ is at (http\S+)/) ?? [];
    if (url) return { url, stop: () => new Promise((ended) => (site.once("exit", ended), site.kill("SIGTERM"))) };
  }
  throw new Error("the site did not start: run `make build`, and look at what it says");
}

const dir = await mkdtemp(join(tmpdir(), "foyer-pictures-"));
const site = await startSite(dir);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || undefined, args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });

/** Somebody at a screen; nobody: a visitor. A look is what takes the place of lines in tokens.css. */
async function arrive(/** @type {string} */ user, /** @type {keyof typeof screens} */ screen, /** @type {Theme} */ colorScheme, path = "/", look = "") {
  const context = await browser.newContext({ ...screens[screen], colorScheme, baseURL: site.url, reducedMotion: "reduce", locale: "en-GB", timezoneId: "Europe/Berlin" });
  context.setDefaultTimeout(90_000);
  if (look) {
    await context.route("**/bundle/*.css*", async (route) => {
      const sheet = await route.fetch();
      await route.fulfill({ contentType: "text/css", body: `${await sheet.text()}\n:root { ${look} }` });
    });
  }
  const page = await context.newPage();
  page.on("pageerror", (cause) => console.error(`${user || "a visitor"}: ${cause.message}`));
  page.on("console", (message) => message.type() === "error" && !/Failed to load resource/.test(message.text()) && console.error(`${user || "a visitor"} at ${page.url()}: ${message.text()}`));
  // What a device is asked once is in no picture but its own.
  if (user) await context.addInitScript((key) => location.host && localStorage.setItem(key, "1"), `foyer-offered-${user}@localhost`);
  if (user) await signIn(page, user);
  await page.goto(path);
  return page;
}

async function signIn(/** @type {Page} */ page, /** @type {string} */ user) {
  await page.goto("/signin");
  await page.getByLabel("User name").fill(user);
  await page.getByLabel("Password").fill("foyer-demo");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: /^Hello/ }).waitFor();
}

const field = (/** @type {Page} */ page) => page.locator("#chat textarea.chat-textarea");
const said = (/** @type {Page} */ page, /** @type {string} */ text) => page.locator("#chat converse-chat-message").filter({ hasText: text }).last();

async function say(/** @type {Page} */ page, /** @type {string} */ text, shows = text) {
  await field(page).fill(text);
  await field(page).press("Enter");
  await said(page, shows).waitFor();
  await page.locator("#chat .chat-msg--unsent").waitFor({ state: "detached" });
}

/** Chooses something in the bar beside a message, or in its menu. */
async function choose(/** @type {Page} */ page, /** @type {string} */ text, /** @type {string} */ action) {
  const message = said(page, text);
  await message.hover();
  if (!["React", "Reply"].includes(action)) await message.locator(".message-bar .dropdown-toggle").click();
  await message.locator(".message-bar").getByRole("button", { name: action, exact: true }).click();
}

async function react(/** @type {Page} */ page, /** @type {string} */ text, /** @type {string} */ emoji) {
  await choose(page, text, "React");
  await said(page, text).locator("converse-reaction-picker").getByRole("button", { name: emoji }).click();
  await said(page, text).locator(".chat-msg__reaction").filter({ hasText: emoji }).first().waitFor();
}

/** A picture of a garden, so to speak. */
async function garden(/** @type {number} */ hue) {
  const page = await browser.newPage({ viewport: { width: 480, height: 360 } });
  await page.setContent(`<style>body{margin:0;height:100vh;background:linear-gradient(hsl(${hue} 60% 78%) 55%,hsl(95 35% 45%) 55%,hsl(110 40% 30%))}
    i{position:absolute;bottom:12%;width:22%;height:38%;border-radius:50% 50% 12% 12%;background:hsl(120 32% 30%)}b{position:absolute;top:12%;right:14%;width:16%;aspect-ratio:1;border-radius:50%;background:hsl(45 95% 68%)}</style>
    <b></b>${[4, 30, 52, 76].map((left, at) => `<i style="left:${left}%;filter:hue-rotate(${at * 12 - hue / 20}deg)"></i>`).join("")}`);
  const buffer = await page.screenshot();
  await page.close();
  return buffer;
}

async function attach(/** @type {Page} */ page, /** @type {{name: string, mimeType: string, buffer: Buffer}[]} */ ...files) {
  await page.locator("#chat input[type=file]").setInputFiles(files);
}

/** A finger that rests on something. */
async function rest(/** @type {Page} */ page, /** @type {Locator} */ on) {
  const box = await on.boundingBox();
  if (!box) throw new Error("there is nothing to rest on");
  const fingers = await page.context().newCDPSession(page);
  await fingers.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [{ x: box.x + box.width / 2, y: box.y + box.height / 2 }] });
  await page.locator("#message-sheet[open] .message-sheet__emoji button").nth(3).waitFor();
  await fingers.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
}

/** Resolves when the list, pictures and names are there, nothing moves, and two pictures of the page are the same. */
async function comeToRest(/** @type {Page} */ page, /** @type {() => Promise<string>} */ look) {
  await page.waitForLoadState("networkidle"); // names and pictures of people
  await page.waitForFunction(() => {
    const isThere = [...document.images].every((image) => image.complete || !image.checkVisibility());
    const isListed = !document.querySelector('#conversations[aria-busy="true"]');
    return isThere && isListed && document.getAnimations().every(({ playState }) => playState !== "running");
  });
  for (let before = "", now = await look(); before !== now; ) [before, now] = [now, await look()];
}

/** Takes a picture of what is in sight. */
async function shoot(/** @type {Page} */ page, /** @type {string} */ name) {
  const camera = await page.context().newCDPSession(page);
  await comeToRest(page, async () => (await camera.send("Page.captureScreenshot")).data);
  for (const quality of [80, 65, 50, 35]) {
    const { data } = await camera.send("Page.captureScreenshot", { format: "webp", quality });
    const picture = Buffer.from(data, "base64");
    if (picture.length > largest && quality > 35) continue;
    await writeFile(join(target, `${name}.webp`), picture);
    return;
  }
}

/** People and rooms, and what was said. */
async function talk() {
  const [alice, bob, carol] = await Promise.all(["alice", "bob", "carol"].map((user) => arrive(user, "wide", "light", "/chat/room/lobby")));
  for (const page of [alice, bob, carol]) await field(page).waitFor();
  await say(bob, "Good morning! The beds are dry: who waters them *today*?", "Good morning");
  await said(carol, "Good morning").waitFor();
  await say(carol, "I can come by at six.");
  await react(bob, "at six", "👍");
  await said(alice, "at six").waitFor();
  await react(alice, "at six", "👍");
  await react(alice, "at six", "🎉");
  await choose(alice, "Good morning", "Reply");
  await alice.locator("#chat .reply-preview").waitFor();
  await say(alice, "Thank you both. I bring the *new hose*, it is 20 metres long", "20 metres");
  await choose(alice, "20 metres", "Edit");
  await alice.getByText("Editing a message").waitFor();
  await say(alice, "Thank you both. I bring the *new hose*, it is 25 metres long", "25 metres");
  await say(carol, "See you tomorow");
  await choose(carol, "tomorow", "Delete");
  await carol.locator("#chat .modal.show [type=submit]").click();
  await carol.locator("#chat .retraction").waitFor();
  await attach(bob, { name: "beds.png", mimeType: "image/png", buffer: await garden(200) }, { name: "evening.png", mimeType: "image/png", buffer: await garden(20) });
  await field(bob).press("Enter");
  await bob.locator("#chat .file-picture").nth(1).waitFor();
  await attach(carol, { name: "watering plan.pdf", mimeType: "application/pdf", buffer: Buffer.alloc(48_000) });
  await field(carol).press("Enter");
  await carol.locator("#chat .file-card").waitFor();
  await said(alice, "watering plan").waitFor();
  await choose(alice, "Good morning", "Pin to room");
  await alice.locator("#chat .pin-mark").waitFor();
  await say(bob, "@Alice Adler the tap at the gate is the one that works", "tap at the gate");
  // Between two people.
  await bob.goto("/chat/with/alice");
  await field(bob).waitFor();
  await say(bob, "Are the seeds here yet?");
  await alice.goto("/chat/with/bob");
  await said(alice, "seeds here").waitFor();
  await say(alice, "They came yesterday: beans, peas and marigolds.");
  await said(bob, "marigolds").waitFor();
  await say(bob, "Then let us meet at *four*, before it rains. `Bed 3` first?", "before it rains");
  await said(alice, "before it rains").waitFor();
  await say(alice, "At four, then!");
  await alice.locator("#chat .chat-msg--read").last().waitFor();
  await carol.goto("/chat/with/alice");
  await field(carol).waitFor();
  await say(carol, "Shall I bring the cake?");
  await say(carol, "It is apple, with cinnamon.");
  for (const page of [alice, bob, carol]) await page.context().close();
}

/** @type {Record<string, () => Promise<[string, Page][]>>} */
const states = {
  landing: async () => [["landing-wide", await arrive("", "wide", "light")], ["landing-phone", await arrive("", "phone", "dark")]],
  signin: async () => {
    const wide = await arrive("", "wide", "dark", "/signup");
    await wide.getByLabel("User name").fill("alice");
    await wide.getByLabel("Password").fill("a few words in a row");
    await wide.getByRole("button", { name: "Create account" }).click();
    await wide.getByRole("alert").waitFor();
    return [["mistake-wide", wide], ["signin-phone", await arrive("", "phone", "light", "/signin")]];
  },
  home: async () => {
    const [wide, phone] = [await arrive("alice", "wide", "dark"), await arrive("alice", "phone", "light")];
    for (const page of [wide, phone]) await page.getByRole("button", { name: "Message Bob Baker" }).waitFor();
    return [["home-wide", wide], ["home-phone", phone]];
  },
  list: async () => {
    const [wide, phone] = [await arrive("alice", "wide", "light", "/chat"), await arrive("alice", "phone", "dark", "/chat")];
    for (const page of [wide, phone]) await page.locator("#conversations .conversation-unread").first().waitFor();
    return [["list-wide", wide], ["list-phone", phone]];
  },
  conversation: async () => {
    const [wide, phone] = [await arrive("alice", "wide", "light", "/chat/with/bob"), await arrive("alice", "phone", "dark", "/chat/with/bob")];
    for (const page of [wide, phone]) await said(page, "At four").waitFor();
    return [["conversation-wide", wide], ["conversation-phone", phone]];
  },
  room: async () => {
    const [wide, phone] = [await arrive("alice", "wide", "dark", "/chat/room/lobby"), await arrive("alice", "phone", "light", "/chat/room/lobby")];
    for (const page of [wide, phone]) await page.locator("#chat .file-card").waitFor();
    await said(wide, "at six").hover();
    await phone.locator("#chat .pin-mark").scrollIntoViewIfNeeded();
    return [["room-wide", wide], ["room-phone", phone]];
  },
  sheet: async () => {
    const pages = [await arrive("alice", "phone", "light", "/chat/with/bob"), await arrive("alice", "phone", "dark", "/chat/room/lobby")];
    for (const [at, text] of ["At four", "25 metres"].entries()) {
      await said(pages[at], text).scrollIntoViewIfNeeded();
      await rest(pages[at], said(pages[at], text).locator(".chat-msg__text"));
    }
    return [["sheet-phone", pages[0]], ["sheet-phone-room", pages[1]]];
  },
  composer: async () => {
    const [wide, phone] = [await arrive("bob", "wide", "light", "/chat/with/carol"), await arrive("carol", "phone", "dark", "/chat/room/lobby")];
    await field(wide).waitFor();
    await attach(wide, { name: "beds.png", mimeType: "image/png", buffer: await garden(200) }, { name: "watering plan.pdf", mimeType: "application/pdf", buffer: Buffer.alloc(48_000) });
    await field(wide).fill("Here is the plan, with *all beds* and the `taps`:\n> The one at the gate works\nSee you there!");
    await wide.locator("#chat .toggle-emojis").click();
    await wide.locator("#chat .insert-emoji").first().waitFor();
    await said(phone, "tap at the gate").waitFor();
    await field(phone).pressSequentially("Thank you, @b");
    await phone.locator("#chat .suggestion-box__results li").first().waitFor();
    return [["composer-wide", wide], ["composer-phone", phone]];
  },
  panel: async () => {
    const [wide, phone] = [await arrive("alice", "wide", "light", "/chat/room/lobby"), await arrive("alice", "phone", "dark", "/chat/room/lobby")];
    for (const page of [wide, phone]) await page.locator("#chat .file-card").waitFor();
    await wide.getByRole("button", { name: "Members", exact: true }).click();
    await wide.locator("#room-panel .room-person").first().waitFor();
    await phone.locator("#chat .head-name").tap();
    await phone.locator("#room-panel .room-about__picture").waitFor();
    return [["panel-wide", wide], ["panel-phone", phone]];
  },
  card: async () => {
    const [wide, phone] = [await arrive("alice", "wide", "dark", "/chat/room/lobby"), await arrive("alice", "phone", "light", "/chat/room/lobby")];
    for (const page of [wide, phone]) {
      await said(page, "at six").scrollIntoViewIfNeeded();
      await said(page, "at six").locator(".chat-msg__author a").click();
      await page.locator("#person-card").getByRole("button", { name: "Block" }).waitFor();
    }
    return [["card-wide", wide], ["card-phone", phone]];
  },
  question: async () => {
    const [wide, phone] = [await arrive("alice", "wide", "light", "/chat/room/lobby"), await arrive("alice", "phone", "dark", "/chat/room/lobby")];
    for (const page of [wide, phone]) {
      await page.locator("#chat .file-card").waitFor();
      await page.locator("#chat .chat-head .dropdown-toggle").click();
      await page.locator("#chat .chat-head .dropdown-item").filter({ hasText: "Delete the room" }).click();
      await page.locator("#chat .modal.show [type=submit]").waitFor();
    }
    return [["question-wide", wide], ["question-phone", phone]];
  },
  search: async () => {
    const [wide, phone] = [await arrive("alice", "wide", "dark", "/chat/with/bob"), await arrive("alice", "phone", "light", "/chat")];
    for (const page of [wide, phone]) {
      await page.locator("#conversations .conversation").first().waitFor({ state: "attached" });
      await page.locator("[data-search]").filter({ visible: true }).first().click();
      await page.locator("#search-words").fill("be");
      await page.locator("#search-words").fill("beds");
      await page.locator("#search .search-text mark").first().waitFor();
    }
    return [["search-wide", wide], ["search-phone", phone]];
  },
  empty: async () => {
    const [wide, phone] = [await arrive("dave", "wide", "light", "/chat"), await arrive("dave", "phone", "dark", "/chat/with/carol")];
    await wide.locator("#conversations[aria-busy=false]").waitFor();
    await phone.locator("#chat .beginning").waitFor();
    return [["empty-wide", wide], ["empty-phone", phone]];
  },
  looks: async () => {
    const looks = [...(await readFile(join(root, "docs/THEMING.md"), "utf8")).matchAll(/```css\n([^]*?)```/g)].map(([, look]) => look);
    const [cool, quiet] = [await arrive("alice", "wide", "light", "/chat/room/lobby", looks[0]), await arrive("alice", "wide", "light", "/chat/room/lobby", looks[1])];
    for (const page of [cool, quiet]) await page.locator("#chat .file-card").waitFor();
    return [["look-cool", cool], ["look-quiet", quiet]];
  },
  settings: async () => [["settings-wide", await arrive("alice", "wide", "light", "/settings")], ["settings-phone", await arrive("alice", "phone", "dark", "/settings")]],
  errors: async () => {
    const lost = await arrive("alice", "phone", "light", "/chat/with/bob");
    await said(lost, "At four").waitFor();
    await lost.waitForLoadState("networkidle"); // which it never comes to without a network
    await lost.context().setOffline(true);
    await field(lost).fill("I am on the train");
    await field(lost).press("Enter");
    await lost.locator("#chat-notice:not([hidden])").waitFor();
    await lost.locator("#chat .chat-msg--unsent").waitFor();
    return [["missing-phone", await arrive("alice", "phone", "dark", "/nothing-here")], ["lost-phone", lost]];
  },
};

try {
  await mkdir(target, { recursive: true });
  await talk();
  for (const [name, make] of Object.entries(states)) {
    if (only.length && !only.includes(name)) continue;
    for (const [file, page] of await make()) {
      await shoot(page, file);
      await page.context().close();
      console.log(`${file}.webp: ${(await stat(join(target, `${file}.webp`))).size} bytes`);
    }
  }
} finally {
  await browser.close();
  await site.stop();
  await rm(dir, { recursive: true });
}
