// Every page, as everybody meets it: light and dark, on a phone and on a wide
// screen, with assistive technology, and without JavaScript.

import type { CDPSession, Page } from "@playwright/test";
import { violations } from "./support/axe.ts";
import { comeToRest } from "./support/rest.ts";
import { expectToLookRight } from "./support/right.ts";
import { send, toPerson } from "./support/stream.ts";
import { expect, inBothThemes, names, screens, test } from "./support/test.ts";

const outside = { landing: "/", signin: "/signin", signup: "/signup", article: "/articles/garden", error: "/no-such-page" };
const inside = {
  home: "/", people: "/people", rooms: "/rooms", room: "/rooms/lobby", article: "/articles/garden",
  settings: "/settings", files: "/settings/files", list: "/chat", conversation: "/chat/with/bob", "a room": "/chat/room/lobby",
};

/** The narrowest screen (WCAG 1.4.10), a laptop's at 200 % (WCAG 1.4.4), and a wide one. */
const sizes = { "320 px": { width: 320, height: 700 }, "200 %": { width: 720, height: 450 }, wide: screens.wide };

/** Nothing sticks out at the side. */
async function expectNoSidewaysScroll(page: Page, where: string): Promise<void> {
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  expect(content, where).toBeLessThanOrEqual(window!);
}

/** What one could press, and something else lies on, wherever on the screen it is brought. */
function covered(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found = [...document.querySelectorAll<HTMLElement>(":is(header, main, #chat) :is(a[href], button, input, select, textarea, summary)")]
      .filter((element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && element.getBoundingClientRect().width > 1 && !element.closest("[inert], .sr-only, .skip, .message-bar"))
      .filter((element) => {
        element.scrollIntoView({ block: "center", inline: "nearest" });
        const { left, top, width, height } = element.getClientRects()[0]!;
        const there = document.elementFromPoint(left + width / 2, top + height / 2);
        return there && !element.contains(there) && !there.contains(element) && there.closest("label")?.control !== element;
      })
      .map((element) => `${element.outerHTML.slice(0, 120)}`);
    scrollTo(0, 0);
    return found;
  });
}

/** Sentences in the page's own direction, where their full stop would stand before them if that is another. */
function sentencesOfThePage(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>(":is(main, #chat) *")]
      .filter((element) => element.checkVisibility() && !element.closest("bdi, [dir]:not(html), .sr-only"))
      .filter((element) => getComputedStyle(element).unicodeBidi !== "plaintext" && [...element.childNodes].some((node) => node instanceof Text && /[.!?…]\s*$/.test(node.data)))
      .map((element) => element.outerHTML.slice(0, 120)),
  );
}

/** Nothing sticks out or lies on anything else, axe finds nothing, and the colours are those of the site. */
async function lookAt(page: Page): Promise<void> {
  for (const [size, viewport] of Object.entries(sizes)) {
    await page.setViewportSize(viewport);
    await page.evaluate(comeToRest);
    await expectNoSidewaysScroll(page, size);
    if (size === "wide") await expectToLookRight(page);
    else expect(await covered(page), size).toEqual([]);
    if (size === "320 px") expect(await violations(page), size).toEqual([]);
    if (process.env["SHOTS"]) {
      const name = `${size} ${new URL(page.url()).pathname}`.replaceAll(/\W/g, "_");
      await inBothThemes(page, async (theme) => void (await page.screenshot({ path: `${process.env["SHOTS"]}/${name}-${theme}.png` })));
    }
  }
}

/** From right to left a sentence ends where its script has it, and with letters twice as large all of the header is there. */
async function lookFromRightToLeft(page: Page, browser: CDPSession): Promise<void> {
  await page.setViewportSize(screens.phone);
  await browser.send("Page.setFontSizes", { fontSizes: { standard: 32 } });
  await page.evaluate(() => (document.documentElement.dir = "rtl"));
  expect(await page.evaluate(() => getComputedStyle(document.documentElement).fontSize)).toBe("32px");
  expect(await sentencesOfThePage(page)).toEqual([]);
  await expectNoSidewaysScroll(page, "from right to left");
  expect(await page.locator("#site-nav").evaluate((nav) => nav.scrollWidth - nav.clientWidth)).toBe(0);
  await browser.send("Page.setFontSizes", { fontSizes: { standard: 16 } });
}

/** What of the open chat sticks out of the window at a side, as if cut off there. */
function stickingOut(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll("#chat :is(.chat-head *, .chat-msg, .chat-msg__text, .chat-message-form *, .date-separator, .beginning, .chat-close)")]
      .filter((element) => element.checkVisibility() && !element.closest(".dropdown-menu, svg, .sr-only"))
      .filter((element) => {
        const { left, right, width } = element.getBoundingClientRect();
        return width > 0 && (left < -0.5 || right > innerWidth + 0.5);
      })
      .map((element) => `${element.tagName.toLowerCase()}.${element.className}`),
  );
}

/** A conversation at 320 px (WCAG 1.4.10), written from left to right and from right to left. */
async function expectToFit(page: Page): Promise<void> {
  const edges = () => Promise.all([".chat-head .head-picture", ".chat-head .dropdown-toggle", ".chat-msg converse-avatar", ".chat-msg__text", ".send-button"]
    .map(async (part) => (await page.locator(`#chat ${part}`).first().boundingBox())!.x));
  await page.setViewportSize({ width: 320, height: 640 });
  for (const dir of ["ltr", "rtl"]) {
    await page.evaluate((dir) => (document.documentElement.dir = dir), dir);
    await expectNoSidewaysScroll(page, dir);
    await expect.poll(() => stickingOut(page), dir).toEqual([]);
    await expect(async () => {
      const [picture, menu, face, text, send] = await edges();
      const order = [picture! < menu!, face! < text!, send! > 160];
      expect(order, dir).toEqual(Array(3).fill(dir === "ltr"));
    }).toPass({ timeout: 30_000 });
  }
}

/** The fonts that a page loads. */
function fontsOf(page: Page): string[] {
  const fonts: string[] = [];
  page.on("request", (request) => void (request.resourceType() === "font" && fonts.push(request.url())));
  return fonts;
}

test.describe("on every screen, in either theme", () => {
  test.use({ contextOptions: { reducedMotion: "reduce" } });

  test("visitors' pages", async ({ visit }) => {
    const { page, context, watch } = await visit("alice");
    watch.allow(/404/);
    const browser = await context.newCDPSession(page);
    const fonts = fontsOf(page);
    for (const [name, path] of Object.entries(outside)) {
      await test.step(name, async () => {
        await page.goto(path);
        await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
        await lookAt(page);
        await lookFromRightToLeft(page, browser);
      });
    }
    expect(fonts).toEqual([]);
  });

  test("members' pages, and a conversation", async ({ alice, visit }) => {
    test.setTimeout(400_000); // ten pages
    const { page, context } = alice;
    const browser = await context.newCDPSession(page);
    const fonts = fontsOf(page);
    await send(await (await visit("bob")).stayOutside(), [toPerson("alice", "hello, and some \u00ad words to look at")]);
    await expect(page).toHaveTitle(/^\(1\) /);
    for (const [name, path] of Object.entries(inside)) {
      await test.step(name, async () => {
        await page.goto(path);
        await expect(page.getByRole("heading", { level: 1 })).toBeAttached();
        await alice.ready();
        if (name === "conversation") await alice.hears("hello");
        if (name === "a room") await expect(alice.input()).toBeVisible();
        await expectNoAddress(page);
        await lookAt(page);
        if (name === "conversation") await expectToFit(page);
        await lookFromRightToLeft(page, browser);
      });
    }
    await test.step("a conversation above a page", async () => {
      await page.goto("/");
      await alice.talkTo("bob");
      await alice.hears("hello");
      for (const viewport of [screens.phone, screens.wide]) {
        await page.setViewportSize(viewport);
        await expectNoSidewaysScroll(page, "above a page");
        await expectToLookRight(page);
      }
    });
    expect(fonts).toEqual([]);
  });
});

/** Nobody sees an address or a form of Converse's. */
async function expectNoAddress(page: Page): Promise<void> {
  await expect(page.locator("converse-login-form")).toHaveCount(0);
  expect(await page.locator("body").innerText()).not.toContain("@localhost");
  await expect(page.locator('[title*="@localhost"]')).toHaveCount(0);
}

test.describe("without JavaScript", () => {
  test.use({ contextOptions: { javaScriptEnabled: false } });

  test("all but the chat works", async ({ visit }) => {
    const { page } = await visit("alice");
    await page.goto("/signin");
    await page.getByLabel("User name").fill("alice");
    await page.getByLabel("Password").fill("foyer-demo");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(`Hello, ${names.alice}`);
    await expect(page.getByText(names.bob)).toBeVisible();
    await expect(page.locator('.person[data-online="false"]').first()).toBeVisible();
    await page.goto("/settings");
    await page.getByLabel("Your name, as others see it").fill("Alice of the Adlers");
    await page.getByRole("button", { name: "Save profile" }).click();
    await page.goto("/");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Hello, Alice of the Adlers");
    await page.goto("/chat"); // says what is needed
    const needs = page.locator("noscript p").filter({ visible: true }); // getByText does not look into <noscript>
    await expect(needs).toContainText("The chat needs JavaScript.");
    await page.getByRole("banner").locator("summary").click();
    await page.getByRole("button", { name: "Sign out", exact: true }).click();
    await expect(page.getByRole("link", { name: "Sign in" }).first()).toBeVisible();
  });
});

test("presence and unread messages show on every page, and the browser is asked for notifications by a click alone", async ({ visit }) => {
  const alice = await visit("alice");
  await alice.page.addInitScript(() => {
    const asked = { times: 0 };
    Object.assign(window, { asked });
    Object.defineProperty(Notification, "permission", { get: () => "default" });
    Notification.requestPermission = async () => ((asked.times += 1), "default");
  });
  const asked = () => alice.page.evaluate(() => (window as unknown as { asked: { times: number } }).asked.times);
  await alice.signIn();
  const bob = await visit("bob");

  await test.step("who is around", async () => {
    await expect(alice.around("bob")).toHaveText("Away");
    await bob.signIn();
    await expect(alice.around("bob")).toHaveText("Around");
  });
  await test.step("what is unread", async () => {
    await alice.goTo("Settings");
    await bob.talkTo("alice");
    await bob.say("one");
    await bob.say("two");
    await expect(alice.page).toHaveTitle(/^\(2\) Settings/);
    await expect(alice.page.getByRole("banner").getByLabel("2 unread messages")).toBeVisible();
    await alice.goTo("Home");
    await alice.talkTo("bob");
    await expect(alice.page).toHaveTitle(/^[^(]/);
    await bob.signOut();
    await expect(alice.around("bob")).toHaveText("Away");
  });
  await test.step("notifications", async () => {
    await alice.say("hello");
    expect(await asked()).toBe(0);
    await alice.goTo("Settings");
    await alice.page.getByRole("button", { name: "Notify me on this device" }).click();
    await expect.poll(asked).toBe(1);
  });
});

// Over WebSocket Converse itself sees that its tab is a copy. Over BOSH both would count the requests of one session.
for (const transport of ["websocket", "bosh"] as const) {
  test.describe(`over ${transport}`, () => {
    test.use({ transport });

    test("a copied tab gets a stream of its own", async ({ alice, site }) => {
      await alice.talkTo("bob");
      const opened = alice.context.waitForEvent("page");
      await alice.page.evaluate(() => window.open("/", "_blank")); // copies sessionStorage
      const copy = alice.at(await opened);
      await copy.enterChat();
      await expect.poll(async () => (await site.counts()).foyer_sessions).toBe(2);
      await alice.say("from the first");
      await copy.talkTo("bob");
      await copy.hears("from the first");
      const { foyer_streams_opened_total: before } = await site.counts();
      await copy.say("from the copy");
      await alice.hears("from the copy");
      expect((await site.counts()).foyer_streams_opened_total).toBe(before); // they do not fight
    });
  });
}

test("the index of the settings leads to every section: from beside them, and on a phone from one row above", async ({ visit }) => {
  const alice = await visit("alice");
  const { page } = alice;
  await alice.signIn();
  const index = page.getByRole("navigation", { name: "Settings" });
  for (const [size, viewport] of Object.entries(screens)) {
    await page.setViewportSize(viewport);
    await page.goto("/settings");
    const links = await index.getByRole("link").all();
    expect(links.length).toBeGreaterThan(6);
    for (const link of links) {
      await link.click();
      const section = page.locator(`section${await link.getAttribute("href")}`);
      await expect(section.getByRole("heading", { level: 2 })).toBeInViewport({ ratio: 1 });
      if (size === "wide") await expect(link, "it stays in view").toBeInViewport({ ratio: 1 });
    }
    const [row, section] = [(await index.boundingBox())!, (await page.locator("section#profile").boundingBox())!];
    if (size === "wide") expect(row.x + row.width).toBeLessThanOrEqual(section.x);
    else expect(row.height).toBeLessThan(70);
  }
});

test("what the first page promises stands in cards of one height, as wide together as the picture above", async ({ page, site }) => {
  for (const [size, viewport] of Object.entries({ ...screens, wider: { width: 1440, height: 900 } })) {
    await page.setViewportSize(viewport);
    await page.goto(site.url);
    await expectNoSidewaysScroll(page, size);
    const look = (await page.locator(".look-frame").boundingBox())!;
    const cards = await page.locator(".points article").evaluateAll((all) => all.map((one) => one.getBoundingClientRect().toJSON() as DOMRect));
    const [first, last] = [cards[0]!, cards.at(-1)!];
    expect([first.left, last.right].map(Math.round), size).toEqual([look.x, look.x + look.width].map(Math.round));
    if (size !== "phone") expect(new Set(cards.map(({ top, height }) => `${top} ${height}`)).size, size).toBe(1);
  }
});

test("a page and a part of one that are given up for another while they come are no error", async ({ alice }) => {
  const { page } = alice;
  await page.goto("/");
  await page.evaluate(() => {
    const fetched = window.fetch;
    // The answers that a test begins and never ends, until they are given up.
    window.fetch = (input, options) => {
      const wanted = new URL(input instanceof Request ? input.url : input, location.href);
      if (wanted.pathname !== "/people" && !wanted.searchParams.has("slow")) return fetched(input, options);
      document.documentElement.dataset.begun = wanted.pathname;
      const answer = new Response("", { headers: { "Content-Type": "text/html" } });
      const { signal } = options!;
      const text = () => new Promise<string>((_, reject) => signal!.addEventListener("abort", () => reject(signal!.reason as Error)));
      return Promise.resolve(Object.assign(answer, { text, clone: () => answer }));
    };
  });
  const begun = page.locator("html");
  await page.getByRole("link", { name: "People", exact: true }).click();
  await expect(begun).toHaveAttribute("data-begun", "/people");
  await alice.goTo("Rooms");
  const part = page.locator("turbo-frame");
  await part.evaluate((frame) => frame.setAttribute("src", "/rooms?slow"));
  await expect(begun).toHaveAttribute("data-begun", "/rooms");
  await part.evaluate((frame) => frame.setAttribute("src", "/rooms"));
  await expect(part).toHaveAttribute("complete");
});
