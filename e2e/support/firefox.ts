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
    args: ["-remote-allow-system-access"], // turnWheel
    timeout: 120_000, // generous, as all of them (playwright.config.ts)
    defaultViewport: viewport,
    extraPrefsFirefox: {
      "intl.accept_languages": "en-GB",
      "apz.content_response_timeout": 400, // ms, as in the Firefox that people have; Puppeteer's is a minute
      // Nobody but the site is asked for anything.
      "network.captive-portal-service.enabled": false,
      "network.connectivity-service.enabled": false,
      "network.proxy.type": 0,
      ...preferences,
    },
  });
}

/** As much of WebDriver BiDi as Puppeteer has no words for. */
type Protocol = { connection: { send(method: string, params: object): Promise<{ result: any }> } };

/**
 * Turns the wheel of a mouse over the middle of an element. Unlike Puppeteer's, which moves by pixels and at once, it
 * moves by lines: Firefox scrolls smoothly then, apart from the page, which hears of it (APZ).
 */
export async function turnWheel(page: Page, selector: string, lines: number): Promise<void> {
  const { connection } = page.browser() as unknown as Protocol;
  const { x, y, width, height } = (await (await page.$(selector))!.boundingBox())!;
  const { contexts } = (await connection.send("browsingContext.getTree", { "moz:scope": "chrome" })).result;
  const expression = `new Promise((done) => {
    const tab = gBrowser.selectedBrowser.getBoundingClientRect();
    const [x, y] = [tab.x + ${x + width / 2}, tab.y + ${y + height / 2}];
    windowUtils.sendWheelEvent(x, y, 0, ${lines}, 0, WheelEvent.DOM_DELTA_LINE, 0, 0, ${lines}, windowUtils.WHEEL_EVENT_ASYNC_ENABLED, done);
  })`;
  const { result } = await connection.send("script.evaluate", { expression, target: { context: contexts[0].context }, awaitPromise: true });
  if (result.type !== "success") throw new Error(`no wheel was turned: ${JSON.stringify(result)}`);
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
