import { createDecipheriv, createECDH, hkdfSync, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "@playwright/test";
import type { Person } from "./person.ts";

/** What a browser's service worker gets (static/js/sw.js). */
export type Notice = { id: string; tag: string; url: string; title: string; text: string };

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
  async subscribe(person: Person): Promise<void> {
    const { port } = this.server.address() as AddressInfo;
    const keys = { p256dh: this.own.toString("base64url"), auth: this.auth.toString("base64url") };
    const status = await person.page.evaluate(
      async (body) => (await fetch("/xmpp/push", { method: "POST", headers: { "Content-Type": "application/json" }, body })).status,
      JSON.stringify({ endpoint: `http://127.0.0.1:${port}/${person.user}`, keys }),
    );
    expect(status).toBe(204);
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
