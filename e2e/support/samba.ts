import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Program } from "./process.ts";

const binary = fileURLToPath(new URL("../../bin/e2e-samba", import.meta.url));

/** A domain controller of Active Directory: Samba, which e2e/samba runs. */
export class Samba {
  private constructor(
    private readonly program: Program,
    private readonly where: Record<"url" | "ca" | "bind" | "base" | "password", string>,
  ) {}

  /** Starts one with people in it: their names, by user names. A string says why there is none. */
  static async start(people: Record<string, string>): Promise<Samba | string> {
    if (!existsSync(binary)) return "bin/e2e-samba was not built; scripts/test.sh does that on Linux";
    const program = new Program(binary, Object.entries(people).map(([user, name]) => `${user}=${name}`), {});
    const [line] = await program.says(/^\{.*\}$/);
    const where = JSON.parse(line) as Samba["where"] & { skip?: string };
    return where.skip ?? new Samba(program, where);
  }

  /** Of everybody in the directory. */
  get password(): string {
    return this.where.password;
  }

  /** What a site needs to know of it. */
  get settings(): Record<string, string> {
    return {
      LDAP_URL: this.where.url,
      LDAP_CA_FILE: this.where.ca,
      LDAP_BIND_DN: this.where.bind,
      LDAP_BIND_PASSWORD: this.where.password,
      LDAP_BASE_DN: this.where.base,
    };
  }

  async stop(): Promise<void> {
    this.program.closeInput();
    await this.program.ended;
  }
}
