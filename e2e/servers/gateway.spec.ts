import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { BrowserContext, Locator, Page, WebSocket } from "@playwright/test";
import { Elsewhere } from "../support/elsewhere.ts";
import { Gateway } from "../support/gateway.ts";
import { names, password, type Transport, type User } from "../support/person.ts";
import { freePort } from "../support/ports.ts";
import { expect, Household, test as base } from "./fixtures.ts";
import type { Change } from "./server.ts";

// The gateway by itself (docs/GATEWAY.md), between Converse in a page of somebody else's and a server that has
// accounts of its own. The page's script is the one that the document shows.

const documented = (() => {
  const text = readFileSync(fileURLToPath(new URL("../../docs/GATEWAY.md", import.meta.url)), "utf8");
  return /^ {4}converse\.initialize\(\{\n.*?^ {4}\}\);$/ms.exec(text)![0];
})();

/** That script, with addresses of this machine in it; for BOSH without what the document says to leave out. */
function scriptFor(gateway: string, transport: Transport): string {
  const changes: Change[] = [
    ...(transport === "bosh" ? [["        websocket_url: 'wss://xmpp.example.org/xmpp-websocket',\n", ""] as Change] : []),
    ["wss://xmpp.example.org", `ws://${gateway}`],
    ["https://xmpp.example.org", `http://${gateway}`],
    ["'example.org'", "'localhost'"],
  ];
  return changes.reduce((script, [from, to]) => script.replace(from, to), documented);
}

/** Somebody at a page with Converse as it is, where they do everything by hand. */
class Guest {
  private readonly streams: WebSocket[] = [];

  constructor(
    private readonly user: User,
    readonly page: Page,
  ) {
    page.on("websocket", (stream) => this.streams.push(stream));
  }

  async signIn(origin: string): Promise<void> {
    await this.page.goto(origin);
    const form = this.page.locator("#converse-login");
    await form.locator("[name=jid]").fill(this.user);
    await form.locator("[name=password]").fill(password);
    await form.getByRole("button", { name: "Log in" }).click();
    await expect(this.page.locator("converse-roster")).toBeVisible();
  }

  async talkTo(user: User): Promise<void> {
    await this.page.locator(".dropdown--contacts button").click();
    await this.page.getByRole("button", { name: "Start a new chat" }).click();
    const dialog = this.page.locator("converse-new-chat-modal");
    await dialog.locator("[name=jid]").fill(user);
    await dialog.getByRole("button", { name: "Start Chat" }).click();
    await expect(this.input()).toBeVisible();
  }

  private input(): Locator {
    return this.page.locator("converse-chat textarea.chat-textarea");
  }

  async say(text: string): Promise<void> {
    await this.input().fill(text);
    await this.input().press("Enter");
  }

  /** What the conversation shows, from top to bottom, and nothing besides. */
  async expectConversation(texts: string[]): Promise<void> {
    await expect(this.page.locator("converse-chat .chat-msg__text")).toHaveText(texts, { timeout: 60_000 });
  }

  /** Resolves when something of XMPP that matches comes to the page, or goes from it. */
  exchanges(event: "framesent" | "framereceived", pattern: RegExp): Promise<void> {
    return new Promise((resolve) => {
      const look = ({ payload }: { payload: string | Buffer | null }) => {
        if (pattern.test(String(payload))) resolve();
      };
      const watch = (stream: WebSocket) => (event === "framesent" ? stream.on("framesent", look) : stream.on("framereceived", look));
      this.streams.forEach(watch);
      this.page.on("websocket", watch);
      if (event === "framesent") this.page.on("request", (request) => look({ payload: request.postData() })); // of BOSH
    });
  }
}

/** Converse orders by the times that it knows, and Prosody's archive has whole seconds: what is said in one second may change places. */
const nextSecond = () => new Promise((resolve) => setTimeout(resolve, 1001 - (Date.now() % 1000)));

type Fixtures = { gateway: Gateway; elsewhere: Elsewhere; guest: (user: User) => Promise<Guest> };

const test = base.extend<Fixtures & { port: number }, { household: Household }>({
  household: [
    async ({ kind }, use) => {
      const household = await Household.open(kind, Object.fromEntries(Object.keys(names).map((user) => [user, password])));
      await use(household);
      await household.close();
    },
    { scope: "worker", timeout: 60_000 },
  ],

  port: async ({}, use) => use(await freePort()),

  elsewhere: async ({ port, transport }, use) => {
    const elsewhere = await Elsewhere.start(scriptFor(`localhost:${port}`, transport));
    await use(elsewhere);
    await elsewhere.stop();
  },

  // Of two domains the server of one is away, which is nothing to the people of the other.
  gateway: async ({ household, port, elsewhere }, use, info) => {
    const chat = await household.chat();
    const gateway = new Gateway(port, {
      GATEWAY_UPSTREAMS: `localhost=xmpp://127.0.0.1:${chat.port}, away.example=xmpp://127.0.0.1:1`,
      GATEWAY_ORIGINS: elsewhere.origin("127.0.0.1"),
    });
    await gateway.start();
    await use(gateway);
    const end = await gateway.stop();
    if (info.status !== info.expectedStatus) {
      await info.attach("gateway.log", { body: gateway.lines.join("\n"), contentType: "text/plain" });
      await info.attach(`${chat.name}.log`, { body: chat.lines.join("\n"), contentType: "text/plain" });
    }
    expect(gateway.lines.filter((line) => /DATA RACE|^panic:/.test(line))).toEqual([]);
    expect(end, "how the gateway stopped").toEqual({ code: 0, signal: null });
  },

  guest: async ({ browser, gateway: _, elsewhere }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (user) => {
      const context = await browser.newContext();
      contexts.push(context);
      const guest = new Guest(user, await context.newPage());
      await guest.signIn(elsewhere.origin("127.0.0.1"));
      return guest;
    });
    for (const context of contexts) await context.close();
  },
});

// The archive remembers what was said: each transport has people of its own.
for (const [transport, one, other] of [["websocket", "alice", "bob"], ["bosh", "carol", "dave"]] as const) {
  test.describe(`foyer gateway, ${transport}`, { tag: "@any" }, () => {
    test.use({ transport });

    test("the page of docs/GATEWAY.md, and a restart of the gateway under it", async ({ guest, gateway }) => {
      const [first, second] = [await guest(one), await guest(other)];
      const said: string[] = [];
      const say = async (from: Guest, text: string) => {
        await from.say(text);
        said.push(text);
        for (const person of [first, second]) await person.expectConversation(said);
        await nextSecond();
      };
      await first.talkTo(other);
      await second.talkTo(one);
      await say(first, "hello");
      await say(second, "hello to you");

      // Converse resumes the stream of WebSocket that it began with (XEP-0198); where it cannot, it signs in again.
      for (const resumes of [transport === "websocket", false]) {
        const back = Promise.all([first, second].map((person) => (resumes ? person.exchanges("framereceived", /<resumed /) : person.exchanges("framesent", /<presence (?![^>]*\btype=)/))));
        if (resumes) {
          const underWay = first.exchanges("framesent", /<body>under way</);
          await first.say("under way");
          said.push("under way");
          await underWay;
        }
        expect(await gateway.stop()).toEqual({ code: 0, signal: null });
        await gateway.start();
        await back;
        await say(first, `restarted, ${said.length}`);
        await say(second, `I am here, ${said.length}`);
      }
    });
  });
}

test("foyer gateway: a page of an origin that GATEWAY_ORIGINS does not name gets nothing", { tag: "@any" }, async ({ page, port, gateway: _, elsewhere }) => {
  const ask = async (origin: string) => {
    await page.goto(origin);
    return page.evaluate(async (gateway) => {
      const open = '<body xmlns="http://jabber.org/protocol/httpbind" rid="1" to="localhost" ver="1.6" wait="1" hold="1"/>';
      const bosh = await fetch(`http://${gateway}/http-bind`, { method: "POST", body: open, headers: { "content-type": "text/xml" } }).then(({ status }) => `${status}`, () => "refused");
      const websocket = await new Promise<string>((resolve) => {
        const socket = new WebSocket(`ws://${gateway}/xmpp-websocket`, "xmpp");
        socket.onopen = () => resolve("open");
        socket.onerror = () => resolve("refused");
      });
      return { bosh, websocket };
    }, `localhost:${port}`);
  };
  expect(await ask(elsewhere.origin("127.0.0.1"))).toEqual({ bosh: "200", websocket: "open" });
  expect(await ask(elsewhere.origin("localhost"))).toEqual({ bosh: "refused", websocket: "refused" });
});
