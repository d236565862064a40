import { defineConfig } from "@playwright/test";
import common from "../playwright.config.ts";
import { kinds } from "./proxy.ts";

// The site behind each of the proxies whose configuration deploy/ has, run from
// that very file. All tests of one proxy share it and the site behind it.
export default defineConfig({
  ...common,
  testDir: ".",
  testIgnore: undefined,
  outputDir: "../../test-results/proxies",
  fullyParallel: false,
  reporter: [["list"], ["json", { outputFile: "../../test-results/proxies.json" }]],
  projects: kinds.map((kind) => ({ name: kind, use: { kind } as object, testIgnore: kind === "nginx" ? [] : "instances.spec.ts" })),
});
