import type { Certificate } from "../support/certificate.ts";

/** What stands in a shipped file, and what a test puts there. */
export type Change = [from: string | RegExp, to: string];

/** Where a proxy listens, what it passes on to, and where its files are. */
export type Place = { dir: string; http: number; https: number; site: number; certificate: Certificate };

/** How to run one of the proxies from the file that deploy/ has for it. */
export type SetUp = {
  program: string;
  /** The file that operators copy, below deploy/. */
  shipped: string;
  /** The names, ports and paths in it. */
  names: (place: Place) => Change[];
  /** Its time-out for answers of the site, when it is to be another one. */
  timeout: (seconds: number) => Change;
  /** The configuration around it, as Debian has it. */
  main: (place: Place, shipped: string) => string;
  args: (main: string, place: Place) => string[];
  /** What the proxy says once it listens. */
  ready: RegExp;
};
