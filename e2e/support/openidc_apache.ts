import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Program } from "./process.ts";

const program = "/usr/sbin/apache2";
const modules = "/usr/lib/apache2/modules";
const loaded = "mpm_event authn_core authz_core authz_user auth_openidc headers proxy proxy_http".split(" ");

/** Whether Apache and its mod_auth_openidc are installed; scripts/test.sh interop does that. */
export const hasOpenIDCApache = existsSync(program) && existsSync(`${modules}/mod_auth_openidc.so`);

/** What docs/IDENTITY.md tells operators to put into Apache's configuration. */
const shown = readFileSync(fileURLToPath(new URL("../../docs/IDENTITY.md", import.meta.url)), "utf8").match(/^ {4}# mod_auth_openidc\n(?:(?: {4}.*)?\n)+/m)![0];

/**
 * Apache, which signs people in at an OpenID Connect provider before they reach the site, and
 * tells it who they are: with the configuration that docs/IDENTITY.md has.
 */
export class OpenIDCApache {
  private constructor(
    private readonly directory: string,
    private readonly server: Program,
  ) {}

  /** Starts it at a port, in front of a site at another. */
  static async start(port: number, site: number, issuer: string, client: { id: string; secret: string }): Promise<OpenIDCApache> {
    const directory = mkdtempSync(join(tmpdir(), "foyer-apache-"));
    const file = join(directory, "apache.conf");
    const changes: [string, string][] = [
      ["https://login.example.org/realms/team", issuer],
      ["https://chat.example.org", `http://localhost:${port}`],
      ["http://127.0.0.1:3000/", `http://localhost:${site}/`],
      ["OIDCClientID chat", `OIDCClientID ${client.id}`],
      ["OIDCClientSecret …", `OIDCClientSecret "${client.secret}"`],
      ["OIDCCryptoPassphrase …", "OIDCCryptoPassphrase tests"],
    ];
    const asShown = changes.reduce((text, [from, to]) => {
      if (!text.includes(from)) throw new Error(`docs/IDENTITY.md has no ${from}`);
      return text.replaceAll(from, to);
    }, shown);
    const lines = [
      `ServerRoot ${directory}`,
      `DefaultRuntimeDir ${directory}`,
      `PidFile ${directory}/pid`,
      `Mutex file:${directory} default`,
      ...(process.getuid?.() === 0 ? ["User www-data", "Group www-data"] : []),
      "ServerName localhost",
      'ErrorLog "|/bin/cat"',
      `Listen 127.0.0.1:${port}`,
      ...loaded.map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`),
      asShown,
    ];
    writeFileSync(file, lines.join("\n"));
    const server = new Program(program, ["-f", file, "-DFOREGROUND", "-e", "info"], {});
    await server.says(/resuming normal operations/);
    return new OpenIDCApache(directory, server);
  }

  get lines(): string[] {
    return this.server.lines;
  }

  async stop(): Promise<void> {
    this.server.signal("SIGTERM");
    await this.server.ended;
    rmSync(this.directory, { recursive: true });
  }
}
