import { createDecipheriv, createECDH, hkdfSync, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type BrowserContext, expect, type Page } from "@playwright/test";
import { Client } from "./client.ts";
import type { Person } from "./person.ts";

/** What a browser's service worker gets (static/js/sw.js). */
export type Notice = { id: string; tag: string; url: string; title: string; text: string; time: number };

/** Hands a notice to the service worker of a site, as the browser does when its push service has one; none of its pages need be open. */
export async function deliver(page: Page, origin: string, notice: object): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  const registered = new Promise<string>((resolve) =>
    devtools.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      const of = registrations.find(({ scopeURL, isDeleted }) => !isDeleted && new URL(scopeURL).origin === origin);
      if (of) resolve(of.registrationId);
    }),
  );
  await devtools.send("ServiceWorker.enable");
  await devtools.send("ServiceWorker.deliverPushMessage", { origin, registrationId: await registered, data: JSON.stringify(notice) });
  await devtools.detach();
}

/** What the service worker of a browser shows, whether or not a page of the site is open. */
export async function shownBy(context: BrowserContext): Promise<string[]> {
  const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent("serviceworker"));
  return worker.evaluate(async () => {
    const { registration } = self as unknown as { registration: ServiceWorkerRegistration };
    return (await registration.getNotifications()).map(({ title, body, tag }) => `${tag} ${title}: ${body}`);
  });
}

/** A push service (RFC 8030), and the browser behind it, which opens what was sent (RFC 8291). */
export class PushService {
  readonly notices: Notice[] = [];
  private readonly keys = createECDH("prime256v1");
  private readonly own = this.keys.generateKeys();
  private readonly auth = randomBytes(16);

  private constructor(private readonly server: Server) {}

  static async start(): Promise<PushService> {
    const server = createServer((request, response) => {
      service.take(request).then(
        () => response.writeHead(201).end(),
        (cause) => response.writeHead(400).end(String(cause)),
      );
    });
    const service = new PushService(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return service;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  /** Subscribes somebody's browser, as a click does where the browser's vendor has a push service. */
  async subscribe(person: Person | Client): Promise<void> {
    const subscription = this.subscription(person.user);
    if (person instanceof Client) return expect((await person.ask("/xmpp/push", subscription)).status).toBe(204);
    const status = await person.page.evaluate(
      async (body) => (await fetch("/xmpp/push", { method: "POST", headers: { "Content-Type": "application/json" }, body })).status,
      JSON.stringify(subscription),
    );
    expect(status).toBe(204);
  }

  /** Is the push service of a browser that has none: what its pages ask the browser for is had here. Nobody has been asked yet. */
  async serve(context: BrowserContext): Promise<void> {
    await context.grantPermissions(["notifications"]);
    await context.addInitScript((made) => {
      if (!location.host) return;
      const [asked, subscribed] = ["test-asked", "test-subscribed"];
      Object.defineProperty(Notification, "permission", { get: () => (localStorage.getItem(asked) ? "granted" : "default") });
      Notification.requestPermission = async () => (localStorage.setItem(asked, "1"), "granted");
      const subscription = { toJSON: () => made, unsubscribe: async () => (localStorage.removeItem(subscribed), true) };
      PushManager.prototype.subscribe = async () => (localStorage.setItem(subscribed, "1"), subscription as unknown as PushSubscription);
      PushManager.prototype.getSubscription = async () => (localStorage.getItem(subscribed) ? (subscription as unknown as PushSubscription) : null);
    }, this.subscription("device"));
  }

  /** What a browser tells the site of a subscription. */
  subscription(name: string) {
    const { port } = this.server.address() as AddressInfo;
    const keys = { p256dh: this.own.toString("base64url"), auth: this.auth.toString("base64url") };
    return { endpoint: `http://127.0.0.1:${port}/${name}`, keys };
  }

  private async take(request: IncomingMessage): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    this.notices.push(JSON.parse(this.open(Buffer.concat(pieces))));
  }

  /** Opens an encrypted body (RFC 8188 §2, RFC 8291 §3.4). */
  private open(body: Buffer): string {
    const salt = body.subarray(0, 16);
    const theirs = body.subarray(21, 21 + body[20]!);
    const sealed = body.subarray(21 + body[20]!);
    const info = Buffer.concat([Buffer.from("WebPush: info\0"), this.own, theirs]);
    const secret = Buffer.from(hkdfSync("sha256", this.keys.computeSecret(theirs), this.auth, info, 32));
    const derive = (what: string, size: number) => Buffer.from(hkdfSync("sha256", secret, salt, `Content-Encoding: ${what}\0`, size));
    const cipher = createDecipheriv("aes-128-gcm", derive("aes128gcm", 16), derive("nonce", 12));
    cipher.setAuthTag(sealed.subarray(-16));
    const padded = Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()]);
    return padded.subarray(0, padded.lastIndexOf(2)).toString();
  }
}
