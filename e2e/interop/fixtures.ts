import { expect, test as base } from "../support/test.ts";
import { Program } from "../support/process.ts";
import { binary } from "../support/site.ts";

export { expect };

/** The accounts that the tests speak for; each site makes them in development. */
export type Account = "alice" | "bob" | "carol";

/** An address and what it signs in with, once. */
export type Credentials = { jid: string; password: string };

/** Where a site's chat is, for a client that is no page. */
export type Door = {
  websocket: string;
  bosh: string;
  mint: (account: Account) => Promise<Credentials>;
};

/** Something that is over when its test is. */
export type Ends = { end(): Promise<void> };

type Fixtures = {
  door: Door;
  /** Hands a client back after seeing to it that it ends with its test, before the site does. */
  ending: <C extends Ends>(client: C) => C;
};

export const test = base.extend<Fixtures>({
  login: "token",

  door: async ({ site, database }, use) => {
    await use({
      websocket: `${site.url.replace(/^http/, "ws")}/xmpp-websocket`,
      bosh: `${site.url}/http-bind`,
      mint: async (account) => {
        const environment = { APP_ENV: "development", DATABASE_URL: database.url };
        const program = new Program(binary, ["token", account], environment);
        const [line] = await program.says(/^\{.*\}$/);
        return JSON.parse(line) as Credentials;
      },
    });
  },

  // The site is named so that it outlives the clients.
  ending: async ({ site: _ }, use) => {
    const clients: Ends[] = [];
    await use((client) => {
      clients.push(client);
      return client;
    });
    await Promise.all(clients.map((client) => client.end()));
  },
});
