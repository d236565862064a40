import { defineConfig } from "@playwright/test";

// Independent clients against the program itself; no browser. Playwright's
// runner gives them what the browser tests have: a site with a database of its
// own for each test (../support).
export default defineConfig({
  testDir: ".",
  outputDir: "../../test-results/interop",
  fullyParallel: true,
  workers: 3,
  forbidOnly: Boolean(process.env.CI),
  timeout: 180_000,
  expect: { timeout: 30_000 },
  reporter: [["list"], ["json", { outputFile: "../../test-results/clients.json" }]],
});
