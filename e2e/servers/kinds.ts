import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ejabberd } from "./ejabberd.ts";
import { Prosody } from "./prosody.ts";
import type { ChatServer, Surroundings } from "./server.ts";

/** Where scripts/backports.sh unpacks what is newer than this machine's own. */
const backports = fileURLToPath(new URL("../../var/backports", import.meta.url));

/** Where a program is, if it is installed. */
function find(program: string): string | undefined {
  const places = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"];
  return places.map((dir) => join(dir, program)).find((path) => existsSync(path));
}

/** Where ejabberd is below a directory: among the libraries of the machine's architecture. */
function ejabberdBelow(root: string): string | undefined {
  const usrLib = join(root, "usr/lib");
  if (!existsSync(usrLib)) return undefined;
  const dirs = readdirSync(usrLib).filter((dir) => dir.endsWith("-linux-gnu"));
  return dirs.map((dir) => join(usrLib, dir)).find((dir) => readdirSync(dir).some((name) => name.startsWith("ejabberd-")));
}

/** A release of a server that tests run. */
export interface Release {
  /** The server, as `foyer chat export --to` names it. */
  readonly server: "prosody" | "ejabberd";
  readonly installed: () => boolean;
  /** What to do where it is not. */
  readonly install: string;
  readonly make: (port: number, around: Surroundings) => ChatServer;
}

/** The releases: Debian's, and those of its backports. */
export const kinds = {
  "prosody 0.12": {
    server: "prosody",
    installed: () => Boolean(find("prosody")),
    install: "apt-get install prosody prosody-modules lua-dbi-postgresql",
    make: (port, around) => new Prosody(port, around, "0.12", find("prosody")!),
  },
  "prosody 13": {
    server: "prosody",
    installed: () => existsSync(join(backports, "usr/bin/prosody")),
    install: "make interop unpacks it from Debian's backports",
    make: (port, around) => new Prosody(port, around, "13", join(backports, "usr/bin/prosody"), backports),
  },
  "ejabberd 23.01": {
    server: "ejabberd",
    installed: () => Boolean(find("erl") && ejabberdBelow("/")),
    install: "apt-get install ejabberd erlang-p1-pgsql",
    make: (port, around) => new Ejabberd(port, around, "23.01", find("erl")!, [ejabberdBelow("/")!], "/usr/share/ejabberd"),
  },
  "ejabberd 24.12": {
    server: "ejabberd",
    installed: () => Boolean(find("erl") && ejabberdBelow(backports)),
    install: "make interop unpacks it from Debian's backports",
    // The Erlang is the machine's; its libraries of the same names come after these.
    make: (port, around) =>
      new Ejabberd(port, around, "24.12", find("erl")!, [ejabberdBelow(backports)!, join(backports, "usr/lib/erlang/lib")], join(backports, "usr/share/ejabberd")),
  },
} satisfies Record<string, Release>;
export type Kind = keyof typeof kinds;
