import { defineConfig } from "@playwright/test";
import common from "../playwright.config.ts";
import { launchOptions } from "../support/launch.ts";
import { kinds } from "./proxy.ts";

// The site behind each of the proxies whose configuration deploy/ has, run from
// that very file. All tests of one proxy share it and the site behind it.
export default defineConfig({
  ...common,
  testDir: ".",
  testIgnore: undefined,
  outputDir: "../../test-results/proxies",
  fullyParallel: false,
  // What ignoreHTTPSErrors leaves out is the script of a service worker.
  use: { ...common.use, launchOptions: launchOptions(process.env.CHROMIUM, "--ignore-certificate-errors") },
  reporter: [["list"], ["json", { outputFile: "../../test-results/proxies.json" }]],
  projects: kinds.map((kind) => ({ name: kind, use: { kind } as object, testIgnore: kind === "nginx" ? [] : "instances.spec.ts" })),
});
