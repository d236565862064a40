import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Database } from "../support/cluster.ts";
import type { User } from "../support/person.ts";
import { type End, Program } from "../support/process.ts";

/** What a server needs of its surroundings. */
export type Surroundings = {
  /** An empty database, on a port of 127.0.0.1. */
  database: Database;
  /** What starts `foyer extauth` for the site. */
  extauth: string;
  /** The socket at which the site answers as Dovecot does. */
  dovecot: string;
  /** The file with the key that the site's tokens are checked with. */
  keyFile: string;
  /** The site's pages, as browsers name them: an origin. */
  pages: string;
  /** Where files that people send are kept: an origin, and its port on 127.0.0.1. */
  files: { origin: string; port: number };
  /** The accounts that the server has of its own, with their passwords; without them it lets in whom the site does. */
  passwords?: Passwords;
};

export type Passwords = Partial<Record<User, string>>;

/** An XMPP server of somebody else, run as deploy/ says. */
export interface ChatServer {
  readonly name: string;
  /** Its port for clients; the same after a restart. */
  readonly port: number;
  /** Makes its tables, if it does not do that itself; start does so, too. */
  prepare(): Promise<void>;
  start(): Promise<void>;
  /** Stops it in order. */
  stop(): Promise<End>;
  /** Ends it as a crash would. */
  kill(): Promise<End>;
  /** Removes what it left, once it has stopped. */
  remove(): void;
  /** What it has said. */
  readonly lines: string[];
}

/** Resolves when somebody listens on a port; a program that ended never will. */
async function listening(port: number, program: Program): Promise<void> {
  let over: End | undefined;
  program.ended.then((end) => (over = end));
  for (;;) {
    if (over) throw new Error(`ended (${over.code ?? over.signal}) before it listened:\n${program.lines.join("\n")}`);
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const deploy = (file: string) => fileURLToPath(new URL(`../../deploy/${file}`, import.meta.url));

/** A text of a file, and what stands in its place. */
export type Change = [from: string, to: string];

/**
 * A file of deploy/ with ports, paths and credentials of this machine in it. Each has to
 * be in the file: a test that changes nothing tests something else.
 */
export function shipped(file: string, changes: Change[]): string {
  let text = readFileSync(deploy(file), "utf8");
  for (const [from, to] of changes) {
    if (!text.includes(from)) throw new Error(`deploy/${file} has no ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

/** What is the same with each: it is a program that listens at a port. */
export abstract class Server {
  protected program!: Program;
  readonly dir = mkdtempSync(join(tmpdir(), "foyer-servers-"));

  constructor(
    readonly port: number,
    protected readonly around: Surroundings,
    protected readonly release: string,
  ) {}

  abstract run(): Program;

  /** Resolves when the server has said that it is the release that is meant, and rejects if it is another. */
  abstract introduces(): Promise<unknown>;

  async prepare(): Promise<void> {}

  async start(): Promise<void> {
    await this.prepare();
    this.program = this.run();
    for (const port of [this.port, this.around.files.port]) await listening(port, this.program);
    await this.introduces();
  }

  stop(): Promise<End> {
    this.program.signal("SIGTERM");
    return this.program.ended;
  }

  kill(): Promise<End> {
    this.program.signal("SIGKILL");
    return this.program.ended;
  }

  remove(): void {
    rmSync(this.dir, { recursive: true });
  }

  get lines(): string[] {
    return this.program.lines;
  }
}
