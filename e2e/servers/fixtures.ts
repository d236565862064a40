import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Cluster, type Database } from "../support/cluster.ts";
import { freePort } from "../support/ports.ts";
import { Program } from "../support/process.ts";
import { PushService } from "../support/push_service.ts";
import { binary, Site } from "../support/site.ts";
import { expect, names, test as base, type User } from "../support/test.ts";
import { Visitor } from "../support/visitor.ts";
import { type Kind, kinds } from "./kinds.ts";
import type { ChatServer, Passwords, Surroundings } from "./server.ts";

export { expect, names };

/** What outlives a test: the server, its data and the site's. */
export class Household {
  private server: ChatServer | undefined;
  private running = false;
  private home: Database | undefined;
  private readonly dir = mkdtempSync(join(tmpdir(), "foyer-household-"));

  private constructor(
    private readonly cluster: Cluster,
    readonly database: Database,
    private readonly kind: Kind,
    private readonly ports: { chat: number; files: number; site: number },
    private readonly passwords: Passwords | undefined,
  ) {}

  /** @param passwords of the accounts that the server has of its own; without them it lets in whom the site does */
  static async open(kind: Kind, passwords?: Passwords): Promise<Household> {
    const cluster = await Cluster.start(true);
    const ports = { chat: await freePort(), files: await freePort(), site: await freePort() };
    return new Household(cluster, await cluster.newDatabase(), kind, ports, passwords);
  }

  /** How the site finds the server, and the server the site; its pages have one origin, which the server knows. */
  get settings(): Record<string, string> {
    return {
      ADDR: `localhost:${this.ports.site}`,
      UPLOAD_ORIGINS: this.files,
      XMPP_UPSTREAM: `xmpp://127.0.0.1:${this.ports.chat}`,
      XMPP_AUTH_DOVECOT: `unix:${this.socket("dovecot")}`,
      XMPP_AUTH_HTTP: `unix:${this.socket("auth")}`,
    };
  }

  /** Where the server keeps the files that people send; browsers take every name below localhost for this machine. */
  get files(): string {
    return `http://upload.localhost:${this.ports.files}`;
  }

  private socket(name: string): string {
    return join(this.dir, name);
  }

  /** The server, started now if it is not running: the site has to be there first. */
  async chat(): Promise<ChatServer> {
    const server = await this.made();
    if (!this.running) await server.start();
    this.running = true;
    return server;
  }

  /** The server's own database, with its tables, whether it has run or not. */
  async serverDatabase(): Promise<Database> {
    await (await this.made()).prepare();
    return this.home!;
  }

  private async made(): Promise<ChatServer> {
    this.server ??= kinds[this.kind].make(this.ports.chat, await this.surroundings());
    return this.server;
  }

  private async surroundings(): Promise<Surroundings> {
    const keyFile = join(this.dir, "foyer.jwk");
    if (!this.passwords) {
      const print = new Program(binary, ["token", "key", "print"], { APP_ENV: "development", DATABASE_URL: this.database.url });
      writeFileSync(keyFile, (await print.says(/^\{.*\}$/))[0]);
    }
    const extauth = `${binary} extauth --site unix:${this.socket("auth")}`;
    this.home = await this.cluster.newDatabase();
    return {
      database: this.home,
      extauth,
      keyFile,
      dovecot: this.socket("dovecot"),
      pages: `http://localhost:${this.ports.site}`,
      files: { origin: this.files, port: this.ports.files },
      passwords: this.passwords,
    };
  }

  async close(): Promise<void> {
    if (this.running) await this.server?.stop();
    this.server?.remove();
    await this.cluster.close();
    rmSync(this.dir, { recursive: true });
  }
}

type Fixtures = {
  /** Who came to the site in this test. */
  visitors: Set<User>;
  /** The server behind the site. */
  chat: ChatServer;
  /** Whom browsers ask for web push; not over BOSH, where a page that was closed is one that somebody looks at until its session ends. */
  pushes: PushService | null;
};

export const test = base.extend<Fixtures, { kind: Kind; household: Household }>({
  kind: ["prosody 0.12", { option: true, scope: "worker" }],

  household: [
    async ({ kind }, use) => {
      const household = await Household.open(kind);
      await use(household);
      await household.close();
    },
    { scope: "worker", timeout: 60_000 },
  ],

  database: async ({ household }, use) => use(household.database),

  visitors: async ({}, use) => use(new Set()),

  site: async ({ household, login, settings, visitors }, use, info) => {
    const site = new Site(household.database, login, { ...household.settings, ...settings });
    await site.start();
    const chat = await household.chat();
    await use(site);
    const [ended] = await Promise.allSettled([endSessions(site, visitors)]);
    const end = await site.stop();
    site.remove();
    if (info.status !== info.expectedStatus) {
      await info.attach("site.log", { body: site.lines.join("\n"), contentType: "text/plain" });
      await info.attach(`${chat.name}.log`, { body: chat.lines.join("\n"), contentType: "text/plain" });
    }
    expect(site.lines.filter((line) => /DATA RACE|^panic:/.test(line))).toEqual([]);
    expect(end, "how the site stopped").toEqual({ code: 0, signal: null });
    await (ended!.status === "rejected" ? Promise.reject(ended!.reason) : undefined);
  },

  chat: async ({ household, site: _ }, use) => use(await household.chat()),

  // What has been sent stays in the conversations of the tests that come after.
  visit: async ({ visit, household, visitors }, use) =>
    use(async (user) => {
      visitors.add(user);
      const person = await visit(user);
      person.watch.allow(new RegExp(`^third party: ${household.files}/`));
      return person;
    }),

  pushes: async ({ transport }, use) => {
    const service = transport === "websocket" ? await PushService.start() : null;
    await use(service);
    service?.stop();
  },
});

/** The server keeps a session for a minute whose page was closed: in the next test they would be around. */
async function endSessions(site: Site, users: Set<User>): Promise<void> {
  for (const user of users) {
    const visitor = await Visitor.arrive(site, user);
    expect(await visitor.submit("/settings", "/settings/sessions/others/end", {})).toBe(303);
  }
}

test.beforeEach(({ kind }) => {
  const { installed, install } = kinds[kind];
  test.skip(!installed(), `${kind} is not here: ${install}`);
});
