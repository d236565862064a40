// The chat on pages of other origins (CHAT_ORIGINS, B-06): of the same site with the
// site's cookie, of other sites with a token, and of nobody else.

import type { BrowserContext, Page } from "@playwright/test";
import { Elsewhere } from "./support/elsewhere.ts";
import { Program } from "./support/process.ts";
import { binary } from "./support/site.ts";
import { expect, password, type Person, test as base, type Transport } from "./support/test.ts";

const test = base.extend<{ elsewhere: Elsewhere; near: string; far: string }>({
  elsewhere: async ({}, use) => {
    const elsewhere = await Elsewhere.start();
    await use(elsewhere);
    await elsewhere.stop();
  },
  near: async ({ elsewhere }, use) => use(elsewhere.origin("localhost")),
  far: async ({ elsewhere }, use) => use(elsewhere.origin("127.0.0.1")),
  settings: async ({ near, far }, use) => use({ CHAT_ORIGINS: `${near},${far}` }),
});

/** How Converse signs in there. */
type SignIn = { authentication: string; password?: string; connection_options?: object };

const transports = ["websocket", "bosh"] as const;
const byCookie: SignIn = { authentication: "external", connection_options: { withCredentials: true } };

/** A page of another origin, with alice in the chat and her talk with bob open. */
async function chatAt(context: BrowserContext, origin: string, site: string, transport: Transport, how: SignIn): Promise<Page> {
  const page = await context.newPage();
  await page.goto(origin);
  await page.evaluate(
    async ({ site, transport, how }) => {
      const converse = (window as unknown as { converse: any }).converse;
      const there = new Promise<any>((resolve) => {
        converse.plugins.add("test", {
          initialize(this: any) {
            const { api } = this._converse;
            api.listen.on("connected", () => resolve(api));
          },
        });
      });
      await converse.initialize({
        jid: "alice@localhost",
        auto_login: true,
        bosh_service_url: `${site}/http-bind`,
        ...(transport === "websocket" ? { websocket_url: `${site.replace("http", "ws")}/xmpp-websocket` } : {}),
        discover_connection_methods: false,
        view_mode: "embedded",
        whitelisted_plugins: ["test"],
        assets_path: "/",
        loglevel: "fatal",
        autocomplete_providers_url: "",
        xmpp_providers_url: "",
        ...how,
      });
      await (await there).chats.open("bob@localhost");
    },
    { site, transport, how },
  );
  return page;
}

/** Alice talks with bob from elsewhere, and leaves. */
async function talk(page: Page, bob: Person, where: string): Promise<void> {
  await bob.talkTo("alice");
  await page.locator("textarea.chat-textarea").fill(`from ${where}`);
  await page.locator("textarea.chat-textarea").press("Enter");
  await bob.hears(`from ${where}`);
  await bob.say(`welcome, ${where}`);
  await expect(page.locator(".chat-msg__text").filter({ hasText: `welcome, ${where}` })).toHaveCount(1);
  await page.close();
}

test("a page of the same site has the cookie, and one of another site a token", async ({ visit, bob, near, far, site, database }) => {
  await test.step("of the same site", async () => {
    const alice = await visit("alice");
    alice.watch.allow(new RegExp(`^third party: ${near}/`));
    await alice.getCookie();
    for (const transport of transports) {
      await talk(await chatAt(alice.context, near, site.url, transport, byCookie), bob, `nearby, over ${transport}`);
    }
  });

  await test.step("of another site", async () => {
    const alice = await visit("alice"); // in a browser that has no cookie
    alice.watch.allow(new RegExp(`^third party: ${far}/`));
    for (const transport of transports) {
      const program = new Program(binary, ["token", "alice"], { APP_ENV: "development", DATABASE_URL: database.url }); // a token is good once
      const { password } = JSON.parse((await program.says(/^\{.*\}$/))[0]) as { password: string };
      await talk(await chatAt(alice.context, far, site.url, transport, { authentication: "login", password }), bob, `far away, over ${transport}`);
    }
  });
});

test.describe("where people type their password into the chat", () => {
  test.use({ login: "password" });

  test("they do so in a page of another site as well", async ({ visit, bob, far, site }) => {
    const alice = await visit("alice");
    alice.watch.allow(new RegExp(`^third party: ${far}/`));
    for (const transport of transports) {
      await talk(await chatAt(alice.context, far, site.url, transport, { authentication: "login", password }), bob, `far away, over ${transport}`);
    }
  });
});

/** What a page gets of the chat's endpoints, with all the cookies that browsers send along. */
function tryAll(page: Page, site: string): Promise<Record<string, string>> {
  return page.evaluate(async (site) => {
    const open = '<body xmlns="http://jabber.org/protocol/httpbind" rid="1" to="localhost" ver="1.6" wait="1" hold="1"/>';
    const ask = (path: string, options: RequestInit) =>
      fetch(site + path, { credentials: "include", ...options }).then(
        (answer) => `${answer.status}`,
        () => "refused",
      );
    return {
      bosh: await ask("/http-bind", { method: "POST", body: open, headers: { "content-type": "text/xml" } }),
      credentials: await ask("/xmpp/credentials", {}),
      websocket: await new Promise<string>((resolve) => {
        const socket = new WebSocket(`${site.replace("http", "ws")}/xmpp-websocket`, "xmpp");
        socket.onopen = () => resolve("open");
        socket.onerror = () => resolve("refused");
      }),
    };
  }, site);
}

test.describe("with an origin that is not on the list", () => {
  test.use({ settings: { CHAT_ORIGINS: "https://app.example.org" } });

  test("BOSH, WebSocket and what signs in are refused", async ({ visit, near, site }) => {
    const alice = await visit("alice");
    alice.watch.allow(/./); // a browser says a lot about what it refuses
    await alice.getCookie();
    const { page } = alice;
    await page.goto(near);
    expect(await tryAll(page, site.url)).toEqual({ bosh: "refused", credentials: "refused", websocket: "refused" });
  });
});
