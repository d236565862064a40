import { defineConfig } from "@playwright/test";
import browser from "../playwright.config.ts";
import { type Kind, kinds } from "./kinds.ts";

// The site with another XMPP server behind it, in a browser. Each project is a release of a
// server, which runs for all of its tests. make interop runs every way into the chat; make test
// leaves out what is marked @interop, with the releases of backports what is marked @once, and
// with all but one what is marked @any.
export default defineConfig<object, { kind: Kind }>({
  ...browser,
  testDir: ".",
  testIgnore: [],
  outputDir: "../../test-results/servers",
  fullyParallel: false, // the tests of a file share its server
  workers: 2, // each with a server, a Postgres and two browsers
  reporter: [["list"], ["json", { outputFile: "../../test-results/servers.json" }]],
  projects: (Object.keys(kinds) as Kind[]).map((kind) => ({ name: kind, use: { kind } })),
});
