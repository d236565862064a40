import { type Browser, launch, type Page } from "puppeteer-core";

/**
 * Starts a Firefox of its own, driven by WebDriver BiDi, which Playwright does not
 * speak to the Firefox that people have.
 * @param preferences besides those that each test needs
 */
export function startFirefox(path: string, preferences: Record<string, unknown> = {}, viewport = { width: 1280, height: 800 }): Promise<Browser> {
  return launch({
    browser: "firefox",
    executablePath: path,
    headless: true,
    timeout: 120_000, // generous, as all of them (playwright.config.ts)
    defaultViewport: viewport,
    extraPrefsFirefox: {
      "intl.accept_languages": "en-GB",
      // Nobody but the site is asked for anything.
      "network.captive-portal-service.enabled": false,
      "network.connectivity-service.enabled": false,
      "network.proxy.type": 0,
      ...preferences,
    },
  });
}

/** A new tab, as patient as those of Chromium (playwright.config.ts). */
export async function openTab(browser: Browser): Promise<Page> {
  const page = await browser.newPage();
  page.setDefaultNavigationTimeout(60_000);
  return page;
}

/** What goes wrong in a page: exceptions, and errors on the console. */
export function problemsOf(page: Page): string[] {
  const problems: string[] = [];
  page.on("pageerror", (error) => {
    const message = error instanceof Error ? error.message : String(error);
    problems.push(`exception: ${message}`);
  });
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(`console: ${message.text()}`);
  });
  return problems;
}
