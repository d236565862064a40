import { expect } from "@playwright/test";
import { password, type User } from "./person.ts";
import type { Site } from "./site.ts";

/** Somebody whose browser runs no scripts: requests, forms and a cookie. */
export class Visitor {
  private readonly cookies = new Map<string, string>();

  private constructor(private readonly site: Site) {}

  /** Signs in. */
  static async arrive(site: Site, user: User): Promise<Visitor> {
    const visitor = new Visitor(site);
    expect(await visitor.submit("/signin", "/signin", { username: user, password })).toBe(303);
    return visitor;
  }

  /** What a browser sends with each request. */
  get cookie(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  /** Asks the site for something, as a script of its pages does. */
  ask(path: string, json?: object): Promise<Response> {
    return json ? this.request("POST", path, JSON.stringify(json), "application/json") : this.request("GET", path);
  }

  async get(path: string): Promise<{ status: number; body: string }> {
    const response = await this.request("GET", path);
    return { status: response.status, body: await response.text() };
  }

  /** Sends a form of a page; resolves with the status. */
  async submit(page: string, action: string, fields: Record<string, string>): Promise<number> {
    const [, csrf] = (await this.get(page)).body.match(/name="csrf" value="([^"]+)"/)!;
    const response = await this.request("POST", action, new URLSearchParams({ csrf: csrf!, ...fields }));
    await response.arrayBuffer();
    return response.status;
  }

  private async request(method: string, path: string, body?: URLSearchParams | string, type?: string): Promise<Response> {
    const headers = { cookie: this.cookie, ...(body && { origin: this.site.url }), ...(type && { "content-type": type }) };
    const response = await fetch(this.site.url + path, { method, body, headers, redirect: "manual" });
    for (const [, name, value] of response.headers.getSetCookie().map((line) => line.match(/^([^=]+)=([^;]*)/)!)) {
      this.cookies.set(name!, value!);
    }
    return response;
  }
}
