import { type BrowserContext, expect, type Locator, type Page } from "@playwright/test";
import type { Login } from "./site.ts";
import type { Watch } from "./watch.ts";

/** Which way stanzas travel. */
export type Transport = "websocket" | "bosh";

/** The demo accounts' names, as others see them. */
export const names = { alice: "Alice Adler", bob: "Bob Baker", carol: "Carol Costa", dave: "Dave Dunn" } as const;
export type User = keyof typeof names;

export const password = "foyer-demo";

/** Somebody at a browser of their own. */
export class Person {
  constructor(
    readonly user: User,
    readonly context: BrowserContext,
    readonly watch: Watch,
    private readonly login: Login,
    private readonly transport: Transport,
    public page: Page,
  ) {}

  get name(): string {
    return names[this.user];
  }

  /** The same person, at another tab of the same browser. */
  at(page: Page): Person {
    return new Person(this.user, this.context, this.watch, this.login, this.transport, page);
  }

  async newTab(): Promise<Person> {
    return this.at(await this.context.newPage());
  }

  /** Readies the browser for the transport of the test, once. */
  async prepare(findsOut: boolean): Promise<void> {
    if (this.transport === "bosh" && this.login !== "prebind") await this.loseWebSocket(findsOut);
  }

  /**
   * Makes WebSocket unusable, as some proxies do. The page finds that out by itself, which
   * takes some seconds, or knows it from another page of its tab.
   */
  async loseWebSocket(findsOut = false): Promise<void> {
    await this.context.routeWebSocket(/\/xmpp-websocket/, (socket) => socket.close({ code: 1006 }));
    if (!findsOut) await this.context.addInitScript(() => location.host && sessionStorage.setItem("foyer-transport", String(Date.now())));
  }

  /**
   * Waits until the next page can go on with this one's stream: all that it asked at its start
   * is answered, and all that came is kept. A page that is left before that opens a new one.
   */
  async canGoOn(): Promise<void> {
    const open = () => Object.keys(sessionStorage).filter((key) => /^foyer-(starting|arrival-)/.test(key));
    await expect.poll(() => this.page.evaluate(open)).toEqual([]);
  }

  /** Signs in to the site, and to the chat where that takes a hand. */
  async signIn({ trusted = false } = {}): Promise<void> {
    await this.openSite({ trusted });
    await this.enterChat();
  }

  /** Signs in to the site by the form's request alone, which is quicker than filling it in. */
  async openSite({ trusted = false, as = this.name }: { trusted?: boolean; as?: string } = {}): Promise<void> {
    await this.getCookie({ trusted });
    await this.page.goto("/");
    await this.expectHome(as);
  }

  /** Signs in to the site, and opens no page of it: for who only sends something (stream.ts), which is much quicker. */
  async stayOutside(): Promise<this> {
    await this.getCookie();
    await this.page.goto("/healthz");
    return this;
  }

  /** Signs in to the site, with no page of it open. */
  async getCookie({ trusted = false } = {}): Promise<void> {
    const { request } = this.context;
    const page = await (await request.get("/signin")).text();
    const [, csrf] = page.match(/name="csrf" value="([^"]+)"/)!;
    const form = { csrf: csrf!, username: this.user, password, next: "/", ...(trusted && { trusted: "1" }) };
    expect((await request.post("/signin", { form, maxRedirects: 0 })).status()).toBe(303);
  }

  /** Signs in to site and chat as people do. */
  async fillIn(): Promise<void> {
    await this.page.goto("/signin");
    await this.page.getByLabel("User name").fill(this.user);
    await this.page.getByLabel("Password").fill(password);
    await this.page.getByRole("button", { name: "Sign in", exact: true }).click();
    await this.expectHome(this.name);
    await this.enterChat();
  }

  private async expectHome(name: string): Promise<void> {
    await expect(this.page.getByRole("heading", { level: 1 })).toHaveText(`Hello, ${name}`);
  }

  /** In mode `password`, types it in Converse's form; elsewhere the page does it all. */
  async enterChat(): Promise<void> {
    if (this.login === "password") await this.typeChatPassword();
    await expect(this.messageButton("alice").or(this.messageButton("bob")).first()).toBeVisible();
  }

  private async typeChatPassword(): Promise<void> {
    const form = this.page.locator("converse-login-form form");
    await expect(form).toBeAttached();
    const open = this.page.getByRole("button", { name: /^Chat( \d|$)/ });
    if (await open.isVisible()) await open.click();
    await form.locator('input[name="password"]').fill(password);
    await form.locator('[type="submit"]').click();
  }

  /** The button of a person on the home page; there once the chat works. */
  messageButton(user: User): Locator {
    return this.page.getByRole("button", { name: `Message ${names[user]}` });
  }

  /** Opens the chat with somebody: from the home page, or where the chat covers that, from its own list. */
  async talkTo(user: User): Promise<void> {
    if (await this.page.locator(`#chat converse-chat[jid="${user}@localhost"]`).isVisible()) return;
    const listed = this.listed(names[user]);
    const button = this.messageButton(user);
    await expect(listed.or(button).filter({ visible: true }).first()).toBeVisible();
    await (await listed.isVisible() ? listed : button).click();
    await expect(this.page.locator("#chat converse-chat .head-name").filter({ hasText: names[user], visible: true })).toBeVisible(); // the field before it may be another conversation's
    await expect(this.input()).toBeVisible();
  }

  /** Somebody, or a room, in the chat's list of conversations. */
  listed(name: string): Locator {
    return this.page.locator("#conversations a.conversation").filter({ has: this.page.getByText(name, { exact: true }) });
  }

  input(): Locator {
    return this.page.locator("#chat textarea.chat-textarea");
  }

  /** Messages in the chat that is open, by their text. */
  message(text: string): Locator {
    return this.page.locator("#chat .chat-msg__text").filter({ hasText: text });
  }

  /** The room that is open, by the name on top of it. */
  room(name: string): Locator {
    return this.page.locator("#chat converse-muc .chatbox-title").filter({ hasText: name });
  }

  async type(text: string): Promise<void> {
    await this.input().fill(text);
    await this.input().press("Enter");
  }

  async say(text: string): Promise<void> {
    await this.type(text);
    await expect(this.message(text)).toHaveCount(1);
  }

  /** Says something, and presses Enter again while that does nothing, as it does before the page knows that it is cut off. */
  async insist(text: string): Promise<void> {
    await expect(async () => {
      if ((await this.message(text).count()) === 0) await this.type(text);
      await expect(this.message(text)).toHaveCount(1, { timeout: 3000 });
    }).toPass({ timeout: 60_000 });
  }

  async hears(text: string, within?: { timeout: number }): Promise<void> {
    await expect(this.message(text)).toHaveCount(1, within);
  }

  /** Resolves with the text of the message that is marked, which is so for a moment: to be called before that. */
  async marked(): Promise<string> {
    const text = await this.page.waitForFunction(() => document.querySelector("converse-chat-message[data-found]")?.textContent, undefined, { timeout: 60_000 });
    return (await text.jsonValue()) ?? "";
  }

  /** The texts of the chat that is open, from top to bottom. */
  async conversation(): Promise<string[]> {
    const texts = await this.page.locator("#chat .chat-msg__text").allInnerTexts();
    return texts.map((text) => text.trim());
  }

  async signOut(): Promise<void> {
    await this.menu().click();
    await this.page.getByRole("button", { name: "Sign out", exact: true }).click();
    await expect(this.page.getByRole("link", { name: "Sign in" })).toBeVisible();
  }

  /** What the page says about the connection; hidden while all is well. */
  notice(): Locator {
    return this.page.locator("#chat-notice");
  }

  /** A message that did not get through, marked as such. */
  failed(text: string): Locator {
    return this.page.locator("#chat .chat-msg").filter({ hasText: text }).locator(".chat-msg__error, .chat-msg__body--error");
  }

  /** Waits until the chat works, on any page. */
  async ready(): Promise<void> {
    await expect(this.page.locator("#chat[data-ready]")).toBeAttached();
  }

  /** What the home page says about somebody: Around or Away. */
  around(user: User): Locator {
    return this.page.locator(`.person[data-jid="${user}@localhost"] [data-state-text]`);
  }

  /** The account menu, named after the person. */
  menu(): Locator {
    return this.page.getByRole("banner").locator("summary");
  }

  /** Goes to another page as people do, by its link. */
  async goTo(page: "Home" | "Rooms" | "Chat" | "Settings"): Promise<void> {
    if (page === "Settings") await this.menu().click();
    await this.page.locator("#main").evaluate((main) => (main.dataset.left = "")); // it may be the same page, which is loaded once more
    await this.page.getByRole("banner").getByRole("link", { name: page }).click();
    await expect(this.page.locator(`body[data-page=${page.toLowerCase()}] > #main:not([data-left])`)).toBeAttached();
  }

  /** Somebody else sits down at the same tab. */
  become(user: User): Person {
    return new Person(user, this.context, this.watch, this.login, this.transport, this.page);
  }
}
