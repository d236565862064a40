import { accessSync, constants, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeCertificate } from "../support/certificate.ts";
import { Program } from "../support/process.ts";
import { apache } from "./apache.ts";
import { caddy } from "./caddy.ts";
import { nginx } from "./nginx.ts";
import { freePort } from "../support/ports.ts";
import type { Change, SetUp } from "./setUp.ts";

export const kinds = ["nginx", "apache", "caddy"] as const;
export type Kind = (typeof kinds)[number];

const setUps: Record<Kind, SetUp> = { nginx, apache, caddy };

type Options = {
  https?: number;
  timeout?: number;
  /** Changes the shipped file beforehand, as its comments tell operators to. */
  prepare?: (text: string) => string;
};

/** One of the proxies, in front of a site on this machine, with a certificate of its own. */
export class Proxy {
  private constructor(
    readonly url: string,
    /** Where it takes plain http. */
    readonly plainURL: string,
    /** The file with its certificate, and what is in it. */
    readonly certificate: string,
    readonly ca: string,
    private readonly dir: string,
    private readonly program: Program,
  ) {}

  /** Starts it in front of a site's port, from the shipped file; with another time-out, in seconds. */
  static async start(kind: Kind, site: number, { https, timeout, prepare = (text) => text }: Options = {}): Promise<Proxy> {
    const setUp = setUps[kind];
    const dir = mkdtempSync(join(tmpdir(), `foyer-${kind}-`));
    const place = { dir, site, http: await freePort(), https: https ?? (await freePort()), certificate: makeCertificate(dir) };
    const [shipped, main] = [join(dir, "shipped.conf"), join(dir, "main.conf")];
    const text = prepare(readFileSync(fileURLToPath(new URL(`../../deploy/${setUp.shipped}`, import.meta.url)), "utf8"));
    writeFileSync(shipped, replaced(text, [...setUp.names(place), ...(timeout ? [setUp.timeout(timeout)] : [])]));
    writeFileSync(main, setUp.main(place, shipped));
    const program = new Program(programPath(kind)!, setUp.args(main, place), { HOME: dir, APACHE_LOG_DIR: dir });
    await program.says(setUp.ready);
    return new Proxy(`https://localhost:${place.https}`, `http://localhost:${place.http}`, place.certificate.cert, readFileSync(place.certificate.cert, "utf8"), dir, program);
  }

  /** What it has logged about requests, file by file. */
  logs(): string[] {
    const files = readdirSync(this.dir).filter((name) => name.endsWith("access.log"));
    return files.map((name) => readFileSync(join(this.dir, name), "utf8"));
  }

  async stop(): Promise<void> {
    this.program.signal("SIGTERM");
    await this.program.ended;
    rmSync(this.dir, { recursive: true });
  }
}

/** Where a proxy's program is; undefined: it is not installed. */
export function programPath(kind: Kind): string | undefined {
  const directories = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  return directories.map((dir) => join(dir, setUps[kind].program)).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Makes every change; each must find what it changes. */
function replaced(text: string, changes: Change[]): string {
  for (const [from, to] of changes) {
    const next = text.replaceAll(from, to);
    if (next === text) throw new Error(`the shipped file has no ${from}`);
    text = next;
  }
  return text;
}
