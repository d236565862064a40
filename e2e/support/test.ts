import { type Browser, type BrowserContextOptions, expect, type Page, test as base } from "@playwright/test";
import { Cluster, type Database } from "./cluster.ts";
import { Person, type Transport, type User } from "./person.ts";
import { comeToRest } from "./rest.ts";
import { type Login, Site } from "./site.ts";
import { Watch } from "./watch.ts";

export { expect };
export { names, password } from "./person.ts";
export { enterRoom, joinRoom, makeRoom } from "./rooms.ts";
export type { Person, Transport, User };
export type { Login, Site };

type Way = { login: Login; transport: Transport };

/** Every way into the chat: each mode over each transport that it has. */
export const ways: Way[] = [
  { login: "session", transport: "websocket" },
  { login: "session", transport: "bosh" },
  { login: "prebind", transport: "bosh" },
  { login: "token", transport: "websocket" },
  { login: "token", transport: "bosh" },
  { login: "signed", transport: "websocket" },
  { login: "signed", transport: "bosh" },
  { login: "password", transport: "websocket" },
  { login: "password", transport: "bosh" },
];

/**
 * One way for each thing that pages do differently. To a page, a signed token is
 * what a temporary one is: it asks for either at the same address.
 */
export const pageWays = ways.filter(({ login }) => login !== "signed");

/** The default, for what is the same in every mode. */
export const sessionWays = ways.filter(({ login }) => login === "session");

/** Screens that people have, from the narrowest. */
export const screens = { phone: { width: 390, height: 844 }, wide: { width: 1280, height: 800 } };

/** Looks at a page twice: in the light theme and in the dark one. */
export async function inBothThemes(page: Page, look: (theme: "light" | "dark") => Promise<void>): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(comeToRest);
    await look(colorScheme);
  }
}

type Options = {
  login: Login;
  transport: Transport;
  /** Whether pages find out that WebSocket does not work, where the transport is BOSH. */
  findsOut: boolean;
  settings: Record<string, string>;
};

type Fixtures = {
  database: Database;
  site: Site;
  /** Somebody at a browser of their own, not signed in; it may have a transport and a screen that the test's others have not. */
  visit: (user: User, own?: { transport?: Transport; contextOptions?: BrowserContextOptions }) => Promise<Person>;
  /** Two people who are in the chat, each in a browser of their own. */
  alice: Person;
  bob: Person;
};

type WorkerFixtures = {
  cluster: Cluster;
  /** What a site makes in an empty database: its tables, and the demo accounts. */
  template: Database;
};

export const test = base.extend<Options & Fixtures, WorkerFixtures>({
  login: ["session", { option: true }],
  transport: ["websocket", { option: true }],
  findsOut: [false, { option: true }],
  settings: [{}, { option: true }],

  cluster: [
    async ({}, use) => {
      const cluster = await Cluster.start();
      await use(cluster);
      await cluster.close();
    },
    { scope: "worker" },
  ],

  template: [
    async ({ cluster }, use) => {
      const template = await cluster.newDatabase();
      const site = new Site(template, "session");
      await site.start();
      expect(await site.stop()).toEqual({ code: 0, signal: null });
      site.remove();
      await use(template);
    },
    { scope: "worker" },
  ],

  database: async ({ cluster, template }, use) => {
    const database = await cluster.newDatabase(template);
    await use(database);
    await cluster.resume();
    await database.drop();
  },

  site: async ({ database, login, settings }, use, info) => {
    const site = new Site(database, login, settings);
    await site.start();
    await use(site);
    const end = await site.stop();
    site.remove();
    if (info.status !== info.expectedStatus) {
      await info.attach("site.log", { body: site.lines.join("\n"), contentType: "text/plain" });
    }
    expect(site.lines.filter((line) => /DATA RACE|^panic:/.test(line))).toEqual([]);
    expect(end, "how the site stopped").toEqual({ code: 0, signal: null });
  },

  visit: async ({ browser, site, login, transport, findsOut, contextOptions }, use) => {
    const people: Person[] = [];
    await use(async (user, own = {}) => {
      const person = await arrive(browser, site, user, login, own.transport ?? transport, own.contextOptions ?? contextOptions);
      await person.prepare(findsOut);
      people.push(person);
      return person;
    });
    for (const person of people) {
      await person.context.close();
      person.watch.check();
    }
  },

  alice: async ({ visit }, use) => {
    const alice = await visit("alice");
    await alice.signIn();
    await use(alice);
  },

  bob: async ({ visit }, use) => {
    const bob = await visit("bob");
    await bob.signIn();
    await use(bob);
  },
});

async function arrive(browser: Browser, site: Site, user: User, login: Login, transport: Transport, options: object) {
  const context = await browser.newContext({ ...options, baseURL: site.url });
  // The members' script without one of the patches of Converse (scripts/patches.mjs).
  const script = process.env.E2E_MEMBER_SCRIPT;
  if (script) await context.route(/\/bundle\/member\.js/, (route) => route.fulfill({ path: script, contentType: "text/javascript" }));
  const watch = new Watch(context, () => site.url);
  if ("javaScriptEnabled" in options && !options.javaScriptEnabled) watch.allow(/\.js: csp$/); // what is preloaded is not even fetched
  return new Person(user, context, watch, login, transport, await context.newPage());
}
