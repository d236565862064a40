import { readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { Program } from "../support/process.ts";
import { type Change, type ChatServer, Server, shipped, type Surroundings } from "./server.ts";

const asksTheSite = (keyFile: string, extauth: string): Change[] => [
  ["/etc/ejabberd/foyer.jwk", keyFile],
  ["/usr/local/bin/foyer extauth --site unix:/run/foyer/auth", extauth],
];

/** Accounts that are ejabberd's, in its database. */
const ownAccounts: Change[] = [
  ["auth_method: [jwt, external]", "auth_method: [sql]"],
  ["jwt_key: /etc/ejabberd/foyer.jwk\njwt_jid_field: jid\nextauth_program: /usr/local/bin/foyer extauth --site unix:/run/foyer/auth\n", ""],
];

/** ejabberd, as deploy/ejabberd sets it up. */
export class Ejabberd extends Server implements ChatServer {
  readonly name = "ejabberd";
  private ready = false;

  /**
   * @param erl Erlang's program
   * @param libraries where its own are
   * @param share where its tables are described
   */
  constructor(
    port: number,
    around: Surroundings,
    release: string,
    private readonly erl: string,
    private readonly libraries: string[],
    private readonly share: string,
  ) {
    super(port, around, release);
  }

  override async prepare(): Promise<void> {
    if (this.ready) return;
    const { database, passwords } = this.around;
    await database.script(readFileSync(join(this.share, "sql/pg.sql"), "utf8"));
    for (const account of Object.entries(passwords ?? {})) await database.query("INSERT INTO users (username, password) VALUES ($1, $2) RETURNING 1", ...account);
    this.ready = true;
  }

  async introduces(): Promise<void> {
    const [, version] = await this.program.says(/ejabberd (\d+\.\d+)\S* is started/);
    if (version !== this.release) throw new Error(`ejabberd ${version} is not ${this.release}`);
  }

  run(): Program {
    const { database, extauth, keyFile, pages, files, passwords } = this.around;
    const config = shipped("ejabberd/ejabberd.yml", [
      ["https://upload.example.org", files.origin],
      ["https://chat.example.org", pages],
      ["example.org", "localhost"],
      ["port: 5280", `port: ${files.port}`],
      ["/var/lib/ejabberd/upload", join(this.dir, "upload")],
      ["certfiles: [/etc/ejabberd/ejabberd.pem]", ""],
      ["port: 5222", `port: ${this.port}`],
      ...(passwords ? ownAccounts : asksTheSite(keyFile, extauth)),
      ["sql_port: 5432", `sql_port: ${database.port}`],
      ["sql_database: ejabberd", `sql_database: ${database.name}`],
      ["sql_username: ejabberd", "sql_username: foyer"],
    ]);
    const file = join(this.dir, "ejabberd.yml");
    writeFileSync(file, config);
    // As ejabberdctl runs it, except for a name, by which the machine's others would know it.
    const args = ["+K", "true", "+P", "250000", "-noinput", "-mnesia", "dir", JSON.stringify(join(this.dir, "spool")), "-s", "ejabberd"];
    return new Program(this.erl, args, {
      ERL_LIBS: this.libraries.join(delimiter),
      EJABBERD_CONFIG_PATH: file,
      EJABBERD_LOG_PATH: join(this.dir, "ejabberd.log"),
      ERL_CRASH_DUMP: join(this.dir, "crash.dump"),
      HOME: this.dir,
    }, this.dir); // where its database writes what it remembers of a crash
  }
}
