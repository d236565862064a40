import type { Database } from "../support/cluster.ts";
import { Program } from "../support/process.ts";
import { binary, Site } from "../support/site.ts";
import { expect, test as base } from "../support/test.ts";
import { freePort } from "../support/ports.ts";
import { type Kind, programPath, Proxy } from "./proxy.ts";
import { Client } from "./client.ts";

export { expect };

/** A site that is reached through a proxy. */
export type Front = { proxy: Proxy; site: Site; database: Database; port: number; settings: Record<string, string> };

/** What foyer doctor --json says of a check. */
export type Finding = { check: string; state: "ok" | "warn" | "fail"; text: string; mend?: string };

/** How many wrong passwords the sites allow from one address. */
export const wrongPasswords = 3;

type Fixtures = {
  /** A program that speaks to the proxy as a browser does. */
  client: Client;
  /** What foyer doctor finds, by its checks; through the proxy in front of the site, unless another one is named. */
  doctor: (flags?: string[], proxy?: Proxy) => Promise<Record<string, Finding>>;
  /** Another proxy in front of the same site, which waits for so many seconds; it ends with the test. */
  impatient: (timeout: number) => Promise<Client>;
};

type WorkerFixtures = { kind: Kind; front: Front };

export const test = base.extend<Fixtures, WorkerFixtures>({
  kind: ["nginx", { option: true, scope: "worker" }],

  front: [
    async ({ cluster, kind }, use) => {
      const database = await cluster.newDatabase();
      const [port, https] = [await freePort(), await freePort()];
      const settings = {
        ADDR: `127.0.0.1:${port}`,
        BASE_URL: `https://localhost:${https}`,
        TRUSTED_PROXIES: "127.0.0.1,::1",
        SIGNIN_FAILURES_PER_ADDRESS: String(wrongPasswords),
      };
      const site = new Site(database, "session", settings);
      let end;
      try {
        await site.start();
        const proxy = await Proxy.start(kind, port, { https });
        await use({ proxy, site, database, port, settings });
        await proxy.stop();
      } finally {
        end = await site.stop();
        site.remove();
        await database.drop();
      }
      expect(site.lines.filter((line) => /DATA RACE|^panic:/.test(line))).toEqual([]);
      expect(end, "how the site stopped").toEqual({ code: 0, signal: null });
    },
    { scope: "worker" },
  ],

  database: async ({ front }, use) => use(front.database),
  site: async ({ front }, use) => use(front.site),
  contextOptions: { ignoreHTTPSErrors: true },

  client: async ({ front }, use) => {
    const client = new Client(front.proxy);
    await use(client);
    client.close();
  },

  doctor: async ({ front }, use) =>
    use(async (flags = [], proxy = front.proxy) => {
      const environment = { ...front.settings, BASE_URL: proxy.url, APP_ENV: "development", DATABASE_URL: front.database.url, DATA_DIR: front.site.dataDir };
      const program = new Program(binary, ["doctor", "--json", ...flags], { ...environment, SSL_CERT_FILE: proxy.certificate });
      await program.ended;
      const found = JSON.parse(program.lines.join("\n").replace(/\n\].*/s, "\n]")) as Finding[];
      return Object.fromEntries(found.map((finding) => [finding.check, finding]));
    }),

  impatient: async ({ front, kind }, use) => {
    const started: { proxy: Proxy; client: Client }[] = [];
    await use(async (timeout) => {
      const proxy = await Proxy.start(kind, front.port, { timeout });
      const client = new Client(proxy);
      started.push({ proxy, client });
      return client;
    });
    for (const { proxy, client } of started) {
      client.close();
      await proxy.stop();
    }
  },
});

test.beforeEach(({ kind }) => {
  test.skip(programPath(kind) === undefined, `${kind} is not installed`);
});
