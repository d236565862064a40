// Files that another chat server keeps come and go through the proxy, by a name of their own.
// That server is a stub here, which says what it was asked; e2e/servers has the real ones.

import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, test as base } from "./fixtures.ts";
import { type Kind, Proxy } from "./proxy.ts";

const most = 25 * 1024 * 1024; // as the files of deploy/ have it

/** What keeps the files: it takes everything, and gives back what it was given. */
class Keeper {
  readonly kept = new Map<string, number>(); // bytes, by host and path

  private constructor(private readonly server: Server) {}

  static async start(): Promise<Keeper> {
    const server = createServer();
    const keeper = new Keeper(server);
    server.on("request", async (asked, answer) => {
      const where = `${asked.headers.host?.replace(/:.*/, "")}${asked.url}`;
      if (asked.method === "GET") return void answer.end(Buffer.alloc(keeper.kept.get(where) ?? 0, "x"));
      let size = 0;
      try {
        for await (const piece of asked) size += (piece as Buffer).length;
      } catch {
        return; // it was broken off
      }
      keeper.kept.set(where, size);
      answer.writeHead(201).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return keeper;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const files: Record<Kind, string> = { nginx: "nginx/upload.conf", apache: "apache/upload.conf", caddy: "caddy/upload.Caddyfile" };

/** The proxy's file for the site with the one for files after it, as they say. */
function withUpload(text: string, kind: Kind, port: number): string {
  const upload = readFileSync(fileURLToPath(new URL(`../../deploy/${files[kind]}`, import.meta.url)), "utf8")
    .replace("127.0.0.1:5280", `127.0.0.1:${port}`)
    .replaceAll("/live/upload.example.org/", "/live/chat.example.org/") // one certificate has both names
    .replaceAll("upload.example.org", "upload.localhost");
  return `${text}\n${upload}`;
}

const test = base.extend<{ keeper: Keeper; inFront: Proxy }>({
  keeper: async ({}, use) => {
    const keeper = await Keeper.start();
    await use(keeper);
    await keeper.stop();
  },
  inFront: async ({ keeper, kind }, use) => {
    const proxy = await Proxy.start(kind, 1, { prepare: (text) => withUpload(text, kind, keeper.port) });
    await use(proxy);
    await proxy.stop();
  },
});

/** Asks the proxy for a file, by the name that files have. Who refuses one need not hear it out. */
function ask(proxy: Proxy, path: string, body?: Buffer): Promise<{ status: number; size: number }> {
  const name = "upload.localhost";
  const { port } = new URL(proxy.url);
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path, method: body ? "PUT" : "GET", servername: name, ca: proxy.ca, agent: false as const };
    const sent = request({ ...options, headers: { host: `${name}:${port}`, ...(body && { "content-length": body.length }) } }, (answer) => {
      let size = 0;
      answer.on("data", (piece: Buffer) => (size += piece.length));
      answer.on("error", reject);
      answer.on("end", () => resolve({ status: answer.statusCode!, size }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

test("files of another chat server go to it and come from it, and nobody writes down where they are", async ({ keeper, inFront: proxy }) => {
  const path = "/slot-7h1s-1s-4-s3cr3t/tr%C3%A8s%20cool%20(1).png";
  expect(await ask(proxy, path, Buffer.alloc(most, "x"))).toMatchObject({ status: 201 });
  expect([...keeper.kept]).toEqual([[`upload.localhost${path}`, most]]);
  expect(await ask(proxy, path)).toEqual({ status: 200, size: most });

  const hangUp = /EPIPE|ECONNRESET/;
  const refused = await ask(proxy, "/slot/film", Buffer.alloc(most + 1, "x")).catch((error: NodeJS.ErrnoException) => {
    if (!hangUp.test(error.code ?? "")) throw error;
    return { status: 413 };
  });
  expect(refused.status).toBeGreaterThanOrEqual(400);
  expect(keeper.kept.size).toBe(1);
  expect(proxy.logs().join("\n")).not.toContain("s3cr3t");
});
