// A browser as somebody has it who looks for what stands on the screen. One journey walks in
// each browser: Playwright drives Chromium, WebDriver BiDi the Firefox that people have.

import type { BrowserContext, Locator, Page as Chromium } from "@playwright/test";
import type { Browser, ElementHandle, Page as Firefox } from "puppeteer-core";
import { openTab } from "./firefox.ts";
import { type Autopush, DELIVERED } from "./autopush.ts";
import { Finger } from "./finger.ts";
import { deliver, type PushService, shownBy } from "./push_service.ts";
import { comeToRest } from "./rest.ts";
import { expect } from "./test.ts";

/** What can be seen: by its role and what it is called (all of its name, or a pattern), or by a selector; with some text in it. */
export type Thing = { within?: Thing; text?: string | RegExp } & ({ role: string; name: string | RegExp } | { css: string });

const named = (role: string) => (name: string | RegExp) => ({ role, name });
export const button = named("button");
export const link = named("link");
export const option = named("option");
export const message = (text: string): Thing => ({ css: "#chat converse-chat-message", text });

/** Somebody's screen, and their finger or mouse. Each waits for what it acts on. */
export interface Screen {
  open(path: string): Promise<unknown>;
  /** Resolves when it can be seen. */
  sees(thing: Thing): Promise<unknown>;
  /** Whether it can be seen now. */
  shows(thing: Thing): Promise<boolean>;
  /** Resolves when it is where the view is. */
  inView(thing: Thing): Promise<unknown>;
  press(thing: Thing): Promise<void>;
  /** A mouse goes there. */
  hover(thing: Thing): Promise<void>;
  /** A finger rests there until something is done. */
  rest(thing: Thing, until: () => Promise<unknown>): Promise<void>;
  fill(thing: Thing, text: string): Promise<unknown>;
  /** Chooses a file where a button asks for one. */
  attach(thing: Thing, path: string): Promise<void>;
  evaluate<T>(look: () => T): Promise<T>;
  /** Presses what asks for leave to notify, and gives it. */
  allow(thing: Thing): Promise<void>;
  /** Closes all of the site; what is done next is done in a tab that is new. */
  leave(): Promise<void>;
  /** Resolves when the browser, with none of the site open, has had one message of its push service. */
  isPushed(site: string): Promise<unknown>;
  /** The notifications that are shown. */
  notices(): Promise<string[]>;
  screenshot(path: string): Promise<unknown>;
}

/** A Chromium, whose push service is the test's own, and whose worker gets what that has by DevTools. */
export class ChromiumScreen implements Screen {
  private constructor(
    private readonly context: BrowserContext,
    private page: Chromium,
    private readonly pushes: PushService,
    private readonly byFinger: boolean,
  ) {}

  static async of(context: BrowserContext, pushes: PushService, byFinger: boolean): Promise<ChromiumScreen> {
    await pushes.serve(context);
    return new ChromiumScreen(context, await context.newPage(), pushes, byFinger);
  }

  private find(thing: Thing): Locator {
    const base = thing.within ? this.find(thing.within) : this.page;
    const all = "css" in thing ? base.locator(thing.css) : base.getByRole(thing.role as "button", { name: thing.name, exact: typeof thing.name === "string" });
    return (thing.text ? all.filter({ hasText: thing.text }) : all).filter({ visible: true }).first();
  }

  open = (path: string) => this.page.goto(path);
  sees = (thing: Thing) => expect(this.find(thing)).toBeVisible();
  shows = (thing: Thing) => this.find(thing).isVisible();
  inView = (thing: Thing) => expect(this.find(thing)).toBeInViewport();
  press = (thing: Thing) => (this.byFinger ? this.find(thing).tap() : this.find(thing).click());
  hover = (thing: Thing) => this.find(thing).hover();
  fill = (thing: Thing, text: string) => this.find(thing).fill(text);
  evaluate = <T>(look: () => T) => this.page.evaluate(look) as Promise<T>;
  allow = (thing: Thing) => this.press(thing);
  notices = () => shownBy(this.context);

  async rest(thing: Thing, until: () => Promise<unknown>): Promise<void> {
    const finger = await Finger.on(this.page);
    await finger.rest(this.find(thing));
    await until();
    await finger.lift();
  }

  async attach(thing: Thing, path: string): Promise<void> {
    const choosing = this.page.waitForEvent("filechooser");
    await this.press(thing);
    await (await choosing).setFiles(path);
  }

  async leave(): Promise<void> {
    const away = await this.context.newPage();
    await this.page.close();
    this.page = away;
  }

  async isPushed(site: string): Promise<void> {
    await expect.poll(() => this.pushes.notices.length).toBe(1);
    await deliver(this.page, site, this.pushes.notices[0]!);
  }

  async screenshot(path: string): Promise<void> {
    await this.page.evaluate(comeToRest);
    await this.page.screenshot({ path });
  }
}

/**
 * Runs in a page: the first element in sight that is the thing, or null. Patterns are as [source, flags].
 * Names are had as people see or hear them, which is enough for the site's own pages.
 */
function findIn(thing: any): Element | null {
  const roles: Record<string, string> = { button: "button, summary", link: "a[href]", list: "ul, ol", dialog: "dialog", textbox: "input:not([type=search]), textarea", searchbox: "input[type=search]" };
  const says = (wanted: string | [string, string], text: string) => (Array.isArray(wanted) ? new RegExp(...wanted).test(text) : wanted === text);
  const contentOf = (node: any): string => (node.ariaHidden === "true" ? "" : node.ariaLabel || node.alt || (node.nodeType === Node.TEXT_NODE ? node.data : [...node.childNodes].map(contentOf).join(" ")));
  const labelOf = (id: string) => document.getElementById(id)?.textContent ?? "";
  const nameOf = (element: any): string =>
    (element.getAttribute("aria-labelledby")?.split(" ").map(labelOf).join(" ") || element.ariaLabel || element.labels?.[0]?.textContent || contentOf(element).trim() || element.title || "").replace(/\s+/g, " ").trim();
  const within = thing.within ? findIn(thing.within) : document;
  const selector = thing.css ?? [`[role=${thing.role}]`, roles[thing.role]].filter(Boolean).join(", ");
  const all: any[] = within ? [...within.querySelectorAll(selector)] : [];
  const is = (element: any) =>
    (thing.css || says(thing.name, nameOf(element))) &&
    (!thing.text || (Array.isArray(thing.text) ? says(thing.text, element.textContent) : element.textContent.includes(thing.text)));
  return all.find((element) => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length && is(element)) ?? null;
}

/** What can go to a page: without patterns. */
const plain = (thing: Thing): unknown =>
  Object.fromEntries(Object.entries(thing).map(([key, value]) => [key, key === "within" ? plain(value as Thing) : value instanceof RegExp ? [value.source, value.flags] : value]));

/** Longest wait, in ms: generous, as all of them (playwright.config.ts). */
const patience = { timeout: 30_000 };

/** A Firefox, with a push service (autopush.ts) that it reaches by itself. */
export class FirefoxScreen implements Screen {
  private constructor(
    private readonly browser: Browser,
    private page: Firefox,
    private readonly site: string,
    private readonly autopush: Autopush,
    private readonly prepare: (page: Firefox) => unknown,
  ) {}

  /** @param prepare is called with each tab */
  static async of(browser: Browser, site: string, autopush: Autopush, prepare: (page: Firefox) => unknown): Promise<FirefoxScreen> {
    const page = await openTab(browser);
    await prepare(page);
    return new FirefoxScreen(browser, page, site, autopush, prepare);
  }

  private async find(thing: Thing): Promise<ElementHandle<HTMLElement>> {
    return (await this.page.waitForFunction(findIn, patience, plain(thing))) as ElementHandle<HTMLElement>;
  }

  /** Where its middle is, once it stays there; the page may draw it again until then. */
  private async middle(thing: Thing): Promise<{ x: number; y: number }> {
    for (;;) {
      const element = await this.find(thing);
      await element.evaluate((it) => it.scrollIntoView({ block: "nearest", behavior: "instant" }));
      await this.page.evaluate(comeToRest);
      const box = await element.boundingBox();
      if (box) return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    }
  }

  open = (path: string) => this.page.goto(this.site + path);
  sees = (thing: Thing) => this.find(thing);
  shows = async (thing: Thing) => (await this.page.evaluateHandle(findIn, plain(thing))).asElement() !== null;
  evaluate = async <T>(look: () => T) => (await this.page.evaluate(look)) as T;
  inView = async (thing: Thing) => expect.poll(async () => (await this.find(thing)).isIntersectingViewport()).toBe(true);

  // By a mouse on a phone as well: a touch that a test makes is now and then lost while Firefox composes a new page.
  async press(thing: Thing): Promise<void> {
    const { x, y } = await this.middle(thing);
    await this.page.mouse.click(x, y);
  }

  async hover(thing: Thing): Promise<void> {
    const { x, y } = await this.middle(thing);
    await this.page.mouse.move(x, y);
  }

  async rest(thing: Thing, until: () => Promise<unknown>): Promise<void> {
    const { x, y } = await this.middle(thing);
    const finger = await this.page.touchscreen.touchStart(x, y);
    await until();
    await finger.end();
  }

  async fill(thing: Thing, text: string): Promise<void> {
    await (await this.find(thing)).asLocator().fill(text);
  }

  async attach(thing: Thing, path: string): Promise<void> {
    const choosing = this.page.waitForFileChooser(patience);
    await this.press(thing);
    await (await choosing).accept([path]);
  }

  async allow(thing: Thing): Promise<void> {
    await this.find(thing);
    await this.browser.defaultBrowserContext().overridePermissions(this.site, ["notifications"]);
    await this.press(thing);
  }

  async leave(): Promise<void> {
    const away = await openTab(this.browser);
    await this.prepare(away);
    await this.page.close();
    this.page = away;
  }

  isPushed = () => expect.poll(() => this.autopush.acknowledged).toEqual([DELIVERED]);

  notices = () =>
    this.page.evaluate(async () => {
      const shown = (await (await navigator.serviceWorker.getRegistration("/"))?.getNotifications()) ?? [];
      return shown.map(({ title, body, tag }) => `${tag} ${title}: ${body}`);
    });

  async screenshot(path: string): Promise<void> {
    await this.page.evaluate(comeToRest);
    await this.page.screenshot({ path: path as `${string}.png` });
  }
}
