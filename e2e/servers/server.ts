import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Database } from "../support/cluster.ts";
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
};

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

/** A port that nobody listens on just now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
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

/**
 * A file of deploy/ with ports, paths and credentials of this machine in it. Each has to
 * be in the file: a test that changes nothing tests something else.
 */
function shipped(file: string, changes: [string, string][]): string {
  let text = readFileSync(deploy(file), "utf8");
  for (const [from, to] of changes) {
    if (!text.includes(from)) throw new Error(`deploy/${file} has no ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

abstract class Server {
  protected program!: Program;
  readonly dir = mkdtempSync(join(tmpdir(), "foyer-servers-"));

  constructor(
    readonly port: number,
    protected readonly around: Surroundings,
  ) {}

  abstract run(): Program;

  async prepare(): Promise<void> {}

  async start(): Promise<void> {
    await this.prepare();
    this.program = this.run();
    await listening(this.port, this.program);
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

/** Prosody, as Debian has it. */
export class Prosody extends Server implements ChatServer {
  readonly name = "prosody";

  run(): Program {
    const { database, dovecot } = this.around;
    const config = shipped("prosody/prosody.cfg.lua", [
      ["example.org", "localhost"],
      ["/run/prosody", this.dir],
      ["/var/lib/prosody", join(this.dir, "data")],
      ['{ info = "/var/log/prosody/prosody.log", error = "/var/log/prosody/prosody.err" }', '"*console"'],
      ["c2s_ports = { 5222 }", `c2s_ports = { ${this.port} }`],
      ["/run/foyer/dovecot", dovecot],
      ["port = 5432", `port = ${database.port}`],
      ['database = "prosody"', `database = "${database.name}"`],
      ['username = "prosody"', 'username = "foyer"'],
    ]);
    mkdirSync(join(this.dir, "data"), { recursive: true });
    const file = join(this.dir, "prosody.cfg.lua");
    writeFileSync(file, `run_as_root = true\ndaemonize = false\nadmin_socket = "${join(this.dir, "prosody.sock")}"\n${config}`);
    return new Program(find("prosody")!, ["--config", file, "-F"], {});
  }
}

/** ejabberd, as Debian has it. */
export class Ejabberd extends Server implements ChatServer {
  readonly name = "ejabberd";
  private ready = false;

  override async prepare(): Promise<void> {
    if (!this.ready) await this.around.database.script(readFileSync("/usr/share/ejabberd/sql/pg.sql", "utf8"));
    this.ready = true;
  }

  run(): Program {
    const { database, extauth, keyFile } = this.around;
    const config = shipped("ejabberd/ejabberd.yml", [
      ["example.org", "localhost"],
      ["certfiles: [/etc/ejabberd/ejabberd.pem]", ""],
      ["port: 5222", `port: ${this.port}`],
      ["/etc/ejabberd/foyer.jwk", keyFile],
      ["/usr/local/bin/foyer extauth --site unix:/run/foyer/auth", extauth],
      ["sql_port: 5432", `sql_port: ${database.port}`],
      ["sql_database: ejabberd", `sql_database: ${database.name}`],
      ["sql_username: ejabberd", "sql_username: foyer"],
    ]);
    const file = join(this.dir, "ejabberd.yml");
    writeFileSync(file, config);
    // As ejabberdctl runs it, but for a name, by which the machine's others would know it.
    const args = ["+K", "true", "+P", "250000", "-noinput", "-mnesia", "dir", JSON.stringify(join(this.dir, "spool")), "-s", "ejabberd"];
    return new Program(find("erl")!, args, {
      ERL_LIBS: libraries()!,
      EJABBERD_CONFIG_PATH: file,
      EJABBERD_LOG_PATH: join(this.dir, "ejabberd.log"),
      ERL_CRASH_DUMP: join(this.dir, "crash.dump"),
      HOME: this.dir,
    });
  }
}

/** Where a program is, if it is installed. */
function find(program: string): string | undefined {
  const places = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"];
  return places.map((dir) => join(dir, program)).find((path) => existsSync(path));
}

/** Where Debian has ejabberd's libraries: beside the machine's own. */
const libraries = () =>
  readdirSync("/usr/lib")
    .map((dir) => join("/usr/lib", dir))
    .find((dir) => dir.endsWith("-linux-gnu") && readdirSync(dir).some((name) => name.startsWith("ejabberd-")));

/** The servers that are installed on this machine. */
export const kinds = {
  prosody: { type: Prosody, installed: () => Boolean(find("prosody")), packages: "prosody prosody-modules lua-dbi-postgresql" },
  ejabberd: { type: Ejabberd, installed: () => Boolean(find("erl") && libraries()), packages: "ejabberd erlang-p1-pgsql" },
};
export type Kind = keyof typeof kinds;
