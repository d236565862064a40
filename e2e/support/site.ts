import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Database } from "./cluster.ts";
import { type End, Program } from "./process.ts";

/** The program under test, built with the race detector. */
export const binary = fileURLToPath(new URL("../../bin/foyer-e2e", import.meta.url));

/** How pages sign in to the chat: XMPP_LOGIN. */
export type Login = "session" | "prebind" | "token" | "signed" | "password" | "typed";

/** What foyer_* metrics say, summed over their labels. */
export type Counts = Record<string, number>;

/** The site's own program, on a free port of loopback. */
export class Site {
  private program!: Program;
  private address = "";
  /** Where it keeps the files that people send. */
  readonly dataDir = mkdtempSync(join(tmpdir(), "foyer-e2e-data-"));

  constructor(
    private readonly database: Database,
    private readonly login: Login,
    private settings: Record<string, string> = {},
  ) {}

  /** Where it is; the same after a restart. */
  get url(): string {
    return this.address;
  }

  /** Everything the running program has said. */
  get lines(): string[] {
    return this.program.lines;
  }

  /** Resolves with the first line of the running program that matches. */
  says(pattern: RegExp): Promise<RegExpMatchArray> {
    return this.program.says(pattern);
  }

  async start(): Promise<void> {
    this.program = new Program(binary, ["serve"], {
      APP_ENV: "development",
      ADDR: this.address ? new URL(this.address).host : "localhost:0",
      DATABASE_URL: this.database.url,
      DATA_DIR: this.dataDir,
      XMPP_LOGIN: this.login,
      LINK_PREVIEWS: "false", // nothing but this machine is asked for anything
      ...this.settings,
    });
    const [, address] = await this.program.says(/ is at (https?:\S+)/);
    this.address = address!;
  }

  /** Adds settings, for its next start. */
  set(settings: Record<string, string>): void {
    this.settings = { ...this.settings, ...settings };
  }

  /** Stops it in order (SIGTERM); the promise says how it ended. */
  stop(): Promise<End> {
    this.program.signal("SIGTERM");
    return this.program.ended;
  }

  /** Ends it as a crash would. */
  kill(): Promise<End> {
    this.program.signal("SIGKILL");
    return this.program.ended;
  }

  /** Removes what it left, once it has stopped. */
  remove(): void {
    rmSync(this.dataDir, { recursive: true });
  }

  async counts(): Promise<Counts> {
    const response = await fetch(`${this.address}/metrics`);
    const counts: Counts = {};
    for (const [, name, labels, value] of (await response.text()).matchAll(/^(foyer_\w+)(?:\{([^}]*)\})? (\S+)$/gm)) {
      counts[name!] = (counts[name!] ?? 0) + Number(value);
      const [, transport] = labels?.match(/transport="(\w+)"/) ?? [];
      if (transport) counts[`${name} ${transport}`] = (counts[`${name} ${transport}`] ?? 0) + Number(value);
    }
    return counts;
  }

  /** How many streams people are signed in by. */
  async sessions(): Promise<number | undefined> {
    return (await this.counts()).foyer_sessions;
  }
}
