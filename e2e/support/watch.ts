import { type BrowserContext, expect } from "@playwright/test";

/**
 * Watches everything a browser does on the site: errors on the console
 * (violations of the content security policy are among them), exceptions, failed
 * requests, and requests to anybody else. A test fails on any of these that it
 * has not allowed beforehand.
 */
export class Watch {
  private readonly problems: string[] = [];
  private readonly allowed: RegExp[] = [];

  constructor(context: BrowserContext, site: () => string) {
    context.on("console", (message) => {
      if (message.type() === "error") this.note(`console: ${message.text()} (${message.location().url})`);
    });
    context.on("weberror", (error) => {
      // A page that goes away may be about to write down once more what it knows.
      const what = error.error().stack || String(error.error());
      if (!/The database connection is closing/.test(what)) this.note(`exception: ${what}`);
    });
    context.on("request", (request) => {
      const url = new URL(request.url());
      const own = ["data:", "blob:"].includes(url.protocol) || url.origin === site();
      if (!own) this.note(`third party: ${request.url()}`);
    });
    context.on("requestfailed", (request) => {
      // What a page change cuts off has not failed.
      const why = request.failure()?.errorText ?? "";
      if (why !== "net::ERR_ABORTED") this.note(`request: ${request.method()} ${request.url()}: ${why}`);
    });
    context.on("response", (response) => {
      if (response.status() >= 400) {
        this.note(`response: ${response.status()} ${response.request().method()} ${response.url()}`);
      }
    });
  }

  /** What this test expects to go wrong. */
  allow(...patterns: RegExp[]): void {
    this.allowed.push(...patterns);
  }

  /** What a browser says while the site or its database is away. */
  allowOutage(): void {
    this.allow(/ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED/);
    this.allow(/WebSocket connection to .* failed/, /\b50[0-9]\b/, /ERR_NETWORK_CHANGED|ERR_SOCKET_NOT_CONNECTED/);
  }

  check(): void {
    const [first] = this.problems;
    expect(this.problems, `errors in the browser: ${first?.split("\n")[0]}`).toEqual([]);
  }

  private note(problem: string): void {
    if (!this.allowed.some((pattern) => pattern.test(problem))) this.problems.push(problem);
  }
}
