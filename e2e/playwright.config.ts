import { defineConfig } from "@playwright/test";
import { launchOptions } from "./support/launch.ts";

// The tests start the program themselves (support/site.ts), one for each test,
// on a free port and a database of its own.
export default defineConfig({
  testDir: ".",
  testIgnore: /\/e2e\/.+\//, // directories have configurations of their own
  outputDir: "../test-results/e2e",
  fullyParallel: true,
  workers: 3, // each of them waits for a good part of its time
  forbidOnly: Boolean(process.env.CI),
  retries: process.env.CI ? 1 : 0, // what passes the second time is named, and mended (docs/decisions/0018)
  // Generous: they bound a test that fails, on a machine that is busy.
  timeout: 180_000,
  expect: { timeout: 30_000 },
  reporter: [["list"], ["json", { outputFile: "../test-results/e2e.json" }]],
  use: {
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    viewport: { width: 1280, height: 800 },
    actionTimeout: 30_000,
    navigationTimeout: 60_000,
    trace: process.env.CI ? "off" : "retain-on-failure", // it takes as long as the test
    screenshot: "only-on-failure",
    serviceWorkers: "block", // it costs a tenth of the time, and most tests need none; where one matters, a test allows it
    launchOptions: launchOptions(process.env.CHROMIUM),
  },
});
