// The main journey in Firefox, with somebody in Chromium at the other end: sign in,
// talk, change pages, sign out.

import type { Page } from "puppeteer-core";
import type { Database } from "./support/cluster.ts";
import { openTab, problemsOf, startFirefox } from "./support/firefox.ts";
import { leaveAtEveryMoment, leaveAtMoment, momentKey } from "./support/moments.ts";
import { expect, names, password, type Person, type Site, test, type Transport } from "./support/test.ts";

const path = process.env.FIREFOX ?? "";

/** Somebody in Firefox, by the controls of the pages. */
class Visitor {
  constructor(
    private readonly page: Page,
    private readonly site: string,
  ) {}

  async signIn(user: keyof typeof names): Promise<void> {
    await this.page.goto(`${this.site}/signin`);
    await this.page.locator('main input[name="username"]').fill(user);
    await this.page.locator('main input[name="password"]').fill(password);
    await this.click('main form[action="/signin"] button[type="submit"]');
    await this.page.locator(`h1 ::-p-text(Hello, ${names[user]})`).wait();
  }

  click(selector: string): Promise<void> {
    return this.page.locator(selector).click();
  }

  async talkTo(user: keyof typeof names): Promise<void> {
    await this.click(`main [data-message="${user}@localhost"]`);
    await this.page.locator("#chat textarea.chat-textarea").wait();
  }

  async say(text: string): Promise<void> {
    await this.type(text);
    await this.hears(text);
  }

  async type(text: string): Promise<void> {
    await this.page.locator("#chat textarea.chat-textarea").fill(text);
    await this.page.keyboard.press("Enter");
  }

  /** Runs something in the page. */
  evaluate(note: (moment: [string, string]) => unknown, moment: [string, string]): Promise<unknown> {
    return this.page.evaluate(note, moment);
  }

  async hears(text: string): Promise<void> {
    await this.page.locator(`#chat .chat-msg__text ::-p-text(${text})`).wait();
  }

  /** The texts of the chat that is open, from top to bottom. */
  conversation(): Promise<string[]> {
    return this.page.$$eval("#chat .chat-msg__text", (all) => all.map((text) => (text as HTMLElement).innerText.trim()));
  }

  /** Goes to another page by its link; the document stays, and what is typed with it. */
  async goTo(page: string): Promise<void> {
    await this.click(`#site-header a[href="/${page}"]`);
    await this.page.locator(`body[data-page="${page}"]`).wait();
  }

  async signOut(): Promise<void> {
    await this.click("#site-header summary");
    await this.click('#site-header form[action="/signout"] button');
    await this.page.locator('#site-header a[href="/signin"]').wait();
  }
}

/** Firefox, with alice at a page of it, until a test has done something. */
async function inFirefox(site: Site, act: (alice: Visitor, page: Page) => Promise<void>): Promise<void> {
  const firefox = await startFirefox(path);
  try {
    const page = await openTab(firefox);
    await act(new Visitor(page, site.url), page);
  } finally {
    await firefox.close();
  }
}

/** Alice and bob talk; she changes pages, and loads one again. */
async function talk(alice: Visitor, bob: Person, page: Page, database: Database, site: Site, transport: Transport): Promise<void> {
  await alice.signIn("alice");
  await expect(bob.around("alice")).toHaveText("Around");
  await expect.poll(async () => (await site.counts())[`foyer_streams_open ${transport}`]).toBe(2);

  await alice.talkTo("bob");
  await alice.say("Grüße aus Firefox 🦊");
  await bob.talkTo("alice");
  await bob.hears("Grüße aus Firefox 🦊");
  await bob.say("and back");
  await alice.hears("and back");

  const { foyer_streams_opened_total: before } = await site.counts();
  await alice.goTo("chat");
  await bob.say("on another page");
  await alice.hears("on another page");
  await page.reload();
  await alice.hears("on another page");
  await alice.say("after a reload");
  await bob.hears("after a reload");
  await expect.poll(() => alice.conversation()).toEqual(["Grüße aus Firefox 🦊", "and back", "on another page", "after a reload"]);
  expect(await database.archived("alice")).toEqual(await alice.conversation());
  // A reload resumes the stream over WebSocket, and keeps it on BOSH.
  expect((await site.counts()).foyer_streams_opened_total).toBe(before! + (transport === "websocket" ? 1 : 0));
}

async function leave(alice: Visitor, bob: Person): Promise<void> {
  await alice.signOut();
  await expect(bob.around("alice")).toHaveText("Away");
}

/** What the page did not begin with is fetched again if it failed. */
async function fetchAgain(page: Page, site: Site): Promise<void> {
  await page.goto(`${site.url}/chat`);
  await page.locator("#chat[data-ready]").wait();
  let fails = true;
  await page.setRequestInterception(true);
  page.on("request", (request) => void (fails && /\/lazyBundle(-\w+)?\.js/.test(request.url()) ? request.abort() : request.continue()));
  await page.locator("[data-begin]").click();
  await page.locator("#chat-notice ::-p-text(Part of the chat did not load.)").wait();
  fails = false;
  await page.locator("[data-begin]").click();
  await page.locator("#begin .search-option ::-p-text(Bob Baker)").wait();
  expect(await page.$eval("#chat-notice", (notice) => (notice as HTMLElement).hidden)).toBe(true);
}

/** On a phone, Back closes what lies above a conversation. */
async function goBackOnPhone(page: Page, site: Site): Promise<void> {
  const depth = (expected: number) => expect.poll(() => page.evaluate(() => history.state.above ?? 0)).toBe(expected);
  const openSearch = async () => {
    await page.locator('#chat .chat-head .dropdown-toggle').click();
    await page.locator('#chat .chat-head .dropdown-item ::-p-text(Search)').click();
    await page.locator("#search[open]").wait();
    await depth(1);
  };
  await page.setViewport({ width: 390, height: 844 });
  await page.goto(`${site.url}/chat`);
  await page.locator("#conversations .conversation ::-p-text(Lobby)").click();
  await page.locator("#chat .head-members").click();
  await page.locator("#room-panel:not([hidden])").wait();
  await depth(1);
  await page.locator("#room-panel .room-person").click();
  await page.locator("#person-card[open]").wait();
  await depth(2);
  await page.evaluate(() => history.back());
  await depth(1);
  await expect.poll(() => page.$("#person-card[open]")).toBeNull();
  await page.evaluate(() => history.back());
  await depth(0);
  await expect.poll(() => page.$("#room-panel:not([hidden])")).toBeNull();
  await openSearch();
  await page.reload();
  await page.locator("#chat[data-ready]").wait();
  await depth(0);
  await openSearch();
  await page.locator("[data-search-close]").click();
  await depth(0);
  expect(new URL(page.url()).pathname).toBe("/chat/room/lobby");
  await page.evaluate(() => history.back());
  await page.locator("#conversations .conversation ::-p-text(Lobby)").wait();
  expect(new URL(page.url()).pathname).toBe("/chat");
}

test.describe("websocket", () => {
  test.skip(path === "", "Firefox is not installed");

  test("Firefox: sign in, talk, change pages, sign out, and what is fetched later", async ({ bob, database, site }) => {
    await inFirefox(site, async (alice, page) => {
      const problems = problemsOf(page);
      await test.step("signs in, talks, changes pages", () => talk(alice, bob, page, database, site, "websocket"));
      await test.step("signs out", () => leave(alice, bob));
      expect(problems).toEqual([]);
      await alice.signIn("alice");
      await test.step("what the page did not begin with is fetched again if it failed", () => fetchAgain(page, site));
      await test.step("on a phone, Back closes what lies above a conversation", () => goBackOnPhone(page, site));
    });
  });
});

test.describe("bosh", () => {
  test.use({ transport: "bosh" });
  test.skip(path === "", "Firefox is not installed");

  test("Firefox: sign in, talk, change pages, go away at whatever moment, sign out", async ({ bob, database, site }) => {
    await inFirefox(site, async (alice, page) => {
      const problems = problemsOf(page);
      // Where WebSocket does not work, as behind some proxies.
      await page.evaluateOnNewDocument(() => location.host && sessionStorage.setItem("foyer-transport", String(Date.now())));
      await test.step("signs in, talks, changes pages", () => talk(alice, bob, page, database, site, "bosh"));
      expect(problems).toEqual([]);
      await test.step("the session goes on, whatever moment the page goes away", async () => {
        await page.evaluateOnNewDocument(leaveAtMoment, momentKey);
        await page.reload();
        await alice.hears("after a reload");
        await leaveAtEveryMoment(alice, bob, site);
      });
      problems.length = 0; // pages that went away
      await test.step("signs out", () => leave(alice, bob));
      expect(problems).toEqual([]);
    });
  });
});
