import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Program } from "../support/process.ts";
import { type Change, type ChatServer, Server, shipped, type Surroundings } from "./server.ts";

/** Accounts that are Prosody's, as files: what `prosodyctl adduser` leaves becomes keys of SCRAM with the first sign-in. */
const ownAccounts: Change[] = [
  ['authentication = "dovecot"\ndovecot_auth_socket = "/run/foyer/dovecot"', 'authentication = "internal_hashed"'],
  ['storage = "sql"', 'default_storage = "sql"\nstorage = { accounts = "internal" }'],
];

/** Prosody, as deploy/prosody sets it up. */
export class Prosody extends Server implements ChatServer {
  readonly name = "prosody";

  /** @param root where the program was unpacked, if it is not installed */
  constructor(
    port: number,
    around: Surroundings,
    release: string,
    private readonly path: string,
    private readonly root = "",
  ) {
    super(port, around, release);
  }

  async introduces(): Promise<void> {
    const [, version] = await this.program.says(/Hello and welcome to Prosody version (\S+)/);
    if (!version!.startsWith(`${this.release}.`)) throw new Error(`Prosody ${version} is not ${this.release}`);
  }

  run(): Program {
    const { database, dovecot, pages, files, passwords } = this.around;
    const config = shipped("prosody/prosody.cfg.lua", [
      ["https://upload.example.org", files.origin],
      ["https://chat.example.org", pages],
      ["example.org", "localhost"],
      ["http_ports = { 5280 }", `http_ports = { ${files.port} }`],
      ["/run/prosody", this.dir],
      ["/var/lib/prosody", join(this.dir, "data")],
      ['{ info = "/var/log/prosody/prosody.log", error = "/var/log/prosody/prosody.err" }', '"*console"'],
      ["c2s_ports = { 5222 }", `c2s_ports = { ${this.port} }`],
      ...(passwords ? ownAccounts : [["/run/foyer/dovecot", dovecot] as Change]),
      ["port = 5432", `port = ${database.port}`],
      ['database = "prosody"', `database = "${database.name}"`],
      ['username = "prosody"', 'username = "foyer"'],
    ]);
    const accounts = join(this.dir, "data/localhost/accounts");
    mkdirSync(accounts, { recursive: true });
    for (const [user, password] of Object.entries(passwords ?? {})) writeFileSync(join(accounts, `${user}.dat`), `return { ["password"] = ${JSON.stringify(password)} };`);
    const file = join(this.dir, "prosody.cfg.lua");
    writeFileSync(file, `run_as_root = true\ndaemonize = false\nadmin_socket = "${join(this.dir, "prosody.sock")}"\n${config}`);
    return new Program(this.executable(), ["--config", file, "-F"], {});
  }

  /** The program has the places of its libraries in it: a copy knows where they are. */
  private executable(): string {
    if (this.root === "") return this.path;
    const copy = join(this.dir, "prosody");
    writeFileSync(copy, readFileSync(this.path, "utf8").replaceAll("'/usr/lib/prosody", `'${this.root}/usr/lib/prosody`), { mode: 0o700 });
    return copy;
  }
}
