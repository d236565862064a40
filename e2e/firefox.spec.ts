// The main journey in Firefox, with somebody in Chromium at the other end: sign in,
// talk, change pages, sign out.

import type { Page } from "puppeteer-core";
import { openTab, problemsOf, startFirefox } from "./support/firefox.ts";
import { leaveAtEveryMoment, leaveAtMoment, momentKey } from "./support/moments.ts";
import { expect, names, password, sessionWays, test } from "./support/test.ts";

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

for (const { login, transport } of sessionWays) {
  test.describe(`${login} over ${transport}`, () => {
    test.use({ login, transport });
    test.skip(path === "", "Firefox is not installed");

    test("Firefox: sign in, talk, change pages, sign out", async ({ bob, database, site }) => {
      const firefox = await startFirefox(path);
      try {
        const page = await openTab(firefox);
        const problems = problemsOf(page);
        // Where WebSocket does not work, as behind some proxies.
        if (transport === "bosh") await page.evaluateOnNewDocument(() => location.host && sessionStorage.setItem("foyer-transport", String(Date.now())));
        const alice = new Visitor(page, site.url);
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

        await alice.signOut();
        await expect(bob.around("alice")).toHaveText("Away");
        expect(problems).toEqual([]);
      } finally {
        await firefox.close();
      }
    });
  });
}

test.describe("what comes later", () => {
  test.skip(path === "", "Firefox is not installed");

  test("Firefox: what the page did not begin with is fetched again if it failed", async ({ site }) => {
    const firefox = await startFirefox(path);
    try {
      const page = await openTab(firefox);
      await new Visitor(page, site.url).signIn("alice");
      await page.goto(`${site.url}/chat`);
      await page.locator("#chat[data-ready]").wait();
      let fails = true;
      await page.setRequestInterception(true);
      page.on("request", (request) => void (fails && /\/later(-\w+)?\.js/.test(request.url()) ? request.abort() : request.continue()));
      await page.locator("[data-begin]").click();
      await page.locator("#chat-notice ::-p-text(A part of the chat did not load.)").wait();
      fails = false;
      await page.locator("[data-begin]").click();
      await page.locator("#begin .search-option ::-p-text(Bob Baker)").wait();
      expect(await page.$eval("#chat-notice", (notice) => (notice as HTMLElement).hidden)).toBe(true);
    } finally {
      await firefox.close();
    }
  });
});

test.describe("bosh", () => {
  test.use({ transport: "bosh" });
  test.skip(path === "", "Firefox is not installed");

  test("Firefox: the session goes on, whatever moment the page goes away", async ({ bob, site }) => {
    const firefox = await startFirefox(path);
    try {
      const page = await openTab(firefox);
      await page.evaluateOnNewDocument(() => location.host && sessionStorage.setItem("foyer-transport", String(Date.now())));
      await page.evaluateOnNewDocument(leaveAtMoment, momentKey);
      const alice = new Visitor(page, site.url);
      await alice.signIn("alice");
      await alice.talkTo("bob");
      await bob.talkTo("alice");
      await leaveAtEveryMoment(alice, bob, site);
    } finally {
      await firefox.close();
    }
  });
});
