import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const converse = fileURLToPath(new URL("../../node_modules/converse.js/dist", import.meta.url));
const types: Record<string, string> = { ".css": "text/css", ".js": "text/javascript", ".json": "application/json", ".wasm": "application/wasm" };

/**
 * A page on another origin than the site's, with Converse whole, as somebody else's program serves it:
 * the site's own lacks what static/js/chat does in its place.
 */
export class Elsewhere {
  private constructor(private readonly server: Server) {}

  /** @param script what the page does once Converse is there */
  static async start(script = ""): Promise<Elsewhere> {
    const server = createServer((request, response) => {
      const { pathname } = new URL(request.url!, "http://localhost");
      if (pathname === "/") return void response.setHeader("content-type", "text/html").end(pageThat(script));
      readFile(join(converse, pathname.replace("/dist/", "/"))).then(
        (file) => response.setHeader("content-type", types[extname(pathname)] ?? "text/plain").end(file),
        () => response.writeHead(404).end(),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Elsewhere(server);
  }

  /** The page's origin; localhost is of the same site as the site, 127.0.0.1 is not. */
  origin(host: "localhost" | "127.0.0.1"): string {
    return `http://${host}:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

// Converse looks below /dist/ for what it fetches later, where no setting says otherwise.
const pageThat = (script: string) => `<!doctype html><title>Elsewhere</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/dist/converse.min.css"><script type="module" src="/dist/converse.min.js"></script><converse-root></converse-root>
<script type="module">${script}</script>`;
