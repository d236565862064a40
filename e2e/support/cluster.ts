import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { Program } from "./process.ts";

const binary = fileURLToPath(new URL("../../bin/e2e-cluster", import.meta.url));

/** A private Postgres (e2e/cluster), which can be taken away for a while. */
export class Cluster {
  private constructor(
    private readonly program: Program,
    private readonly address: string,
  ) {}

  /** @param tcp whether Postgres listens on a port of loopback as well */
  static async start(tcp = false): Promise<Cluster> {
    const program = new Program(binary, tcp ? ["-tcp"] : [], {});
    const [address] = await program.says(/^http:\S+/);
    return new Cluster(program, address);
  }

  /** Stops Postgres as an administrator would; databases stay. */
  stop(): Promise<unknown> {
    return this.call("POST", "/stop");
  }

  /** Starts it again, at the same address. */
  resume(): Promise<unknown> {
    return this.call("POST", "/start");
  }

  /** Makes a database: an empty one, or a copy of one to which nobody is connected. */
  async newDatabase(template?: Database): Promise<Database> {
    const name = `e2e_${randomUUID().replaceAll("-", "")}`;
    const query = template ? `?template=${template.name}` : "";
    const { url, port } = (await this.call("PUT", `/databases/${name}${query}`)) as { url: string; port: number };
    return new Database(this, name, url, port);
  }

  async close(): Promise<void> {
    this.program.closeInput();
    await this.program.ended;
  }

  async call(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(this.address + path, { method, body: body === undefined ? undefined : JSON.stringify(body) });
    if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`);
    return response.json();
  }
}

/** One database of the cluster. */
export class Database {
  constructor(
    private readonly cluster: Cluster,
    readonly name: string,
    readonly url: string,
    /** On 127.0.0.1, if Postgres listens there. */
    readonly port: number,
  ) {}

  /** Runs any number of statements. */
  script(sql: string): Promise<unknown> {
    return this.cluster.call("POST", `/databases/${this.name}/script`, { sql });
  }

  query(sql: string, ...args: unknown[]): Promise<Record<string, unknown>[]> {
    return this.cluster.call("POST", `/databases/${this.name}/query`, { sql, args }) as Promise<Record<string, unknown>[]>;
  }

  /** The bodies in a person's archive, in the order in which they were stored. */
  async archived(user: string): Promise<string[]> {
    const rows = await this.query("SELECT body FROM archive WHERE owner = $1 || '@localhost' AND body <> '' ORDER BY id", user);
    return rows.map((row) => row.body as string);
  }

  drop(): Promise<unknown> {
    return this.cluster.call("DELETE", `/databases/${this.name}`);
  }
}
