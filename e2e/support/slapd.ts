import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "./ports.ts";
import { Program } from "./process.ts";

const program = "/usr/sbin/slapd";
const config = fileURLToPath(new URL("../peers/slapd.conf", import.meta.url));
const base = "dc=example,dc=org";
const admin = ["-x", "-D", `cn=admin,${base}`, "-w", "correct horse"];

/** Of everybody in the directory. */
export const directoryPassword = "correct horse";

/** Whether there is an OpenLDAP server and what changes its entries; scripts/test.sh interop installs both. */
export const hasSlapd = existsSync(program) && existsSync("/usr/bin/ldapmodify");

/** An OpenLDAP server on loopback, with people in it. */
export class Slapd {
  private readonly directory = mkdtempSync(join(tmpdir(), "foyer-slapd-"));
  private server!: Program;
  private url = "";

  async start(people: Record<string, string>): Promise<void> {
    mkdirSync(join(this.directory, "data"));
    const file = join(this.directory, "slapd.conf");
    writeFileSync(file, readFileSync(config, "utf8").replaceAll("{{dir}}", this.directory).replace("{{tls}}", ""));
    this.url = `ldap://127.0.0.1:${await freePort()}`;
    this.server = new Program(program, ["-f", file, "-h", this.url, "-d", "0"], {});
    await this.answers();
    this.run("ldapadd", entries(people));
  }

  /** What a site needs to know of it. */
  get settings(): Record<string, string> {
    return {
      LDAP_URL: this.url,
      LDAP_PLAIN: "true",
      LDAP_BIND_DN: `cn=foyer,ou=services,${base}`,
      LDAP_BIND_PASSWORD: directoryPassword,
      LDAP_BASE_DN: `ou=people,${base}`,
    };
  }

  /** Disables somebody, as the people who look after a directory do. */
  disable(uid: string): void {
    this.run("ldapmodify", `dn: uid=${uid},ou=people,${base}\nchangetype: modify\nreplace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n`);
  }

  async stop(): Promise<void> {
    this.server.signal("SIGTERM");
    await this.server.ended;
    rmSync(this.directory, { recursive: true });
  }

  private run(tool: string, ldif: string): void {
    execFileSync(tool, ["-H", this.url, ...admin], { input: ldif, stdio: ["pipe", "pipe", "pipe"] });
  }

  private async answers(): Promise<void> {
    for (const end = Date.now() + 60_000; ; ) {
      try {
        execFileSync("ldapsearch", ["-x", "-H", this.url, "-b", "", "-s", "base"], { stdio: "pipe" });
        return;
      } catch (error) {
        if (Date.now() > end) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }
}

/** The LDIF of a directory with these people: their names, by user names. */
function entries(people: Record<string, string>): string {
  const list = [
    `dn: ${base}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example`,
    ...["people", "groups", "services"].map((ou) => `dn: ou=${ou},${base}\nobjectClass: organizationalUnit`),
    `dn: cn=default,${base}\nobjectClass: device\nobjectClass: pwdPolicy\npwdAttribute: userPassword\npwdLockout: TRUE`,
    `dn: cn=foyer,ou=services,${base}\nobjectClass: device\nobjectClass: simpleSecurityObject\nuserPassword: ${directoryPassword}`,
  ];
  for (const [uid, name] of Object.entries(people)) {
    const shown = Buffer.from(name).toString("base64");
    list.push(
      `dn: uid=${uid},ou=people,${base}\nobjectClass: inetOrgPerson\nsn: ${uid}\ncn:: ${shown}\ndisplayName:: ${shown}\nuserPassword: ${directoryPassword}`,
    );
  }
  return list.join("\n\n") + "\n";
}
