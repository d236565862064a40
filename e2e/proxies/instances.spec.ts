// Several instances behind nginx: who stays with which. Instances are stubs here that say
// who they are.

import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, test as base } from "@playwright/test";
import { Client } from "./client.ts";
import { programPath, Proxy } from "./proxy.ts";

/** An instance that answers every request with its name. */
class Stub {
  private constructor(
    private readonly server: Server,
    readonly name: string,
  ) {}

  static async start(name: string): Promise<Stub> {
    const server = createServer((_, response) => response.end(name));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Stub(server, name);
  }

  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const shipped = readFileSync(fileURLToPath(new URL("../../deploy/nginx/instances.conf", import.meta.url)), "utf8");

/** foyer.conf with the instances in place of the one upstream. */
function withInstances(text: string, [first, second]: [Stub, Stub]): string {
  const instances = shipped.replace("10.0.0.1:3000", first.address).replace("10.0.0.2:3000", second.address);
  return text.replace(/^upstream foyer \{[^}]*\}/m, instances).replace("proxy_next_upstream off;", "proxy_next_upstream error;");
}

const test = base.extend<{ instances: [Stub, Stub]; client: Client }>({
  instances: async ({}, use) => {
    const instances: [Stub, Stub] = [await Stub.start("first"), await Stub.start("second")];
    await use(instances);
    await Promise.all(instances.map((instance) => instance.stop()));
  },
  client: async ({ instances }, use) => {
    const proxy = await Proxy.start("nginx", 1, { prepare: (text) => withInstances(text, instances) });
    const client = new Client(proxy);
    await use(client);
    client.close();
    await proxy.stop();
  },
});

test.beforeEach(() => test.skip(programPath("nginx") === undefined, "nginx is not installed"));

test("a person stays with one instance, people are shared out, and go on when one stops", async ({ client, instances }) => {
  const ask = async (session: string) => (await client.ask("/", { headers: { cookie: `other=x; __Host-foyer=${session}; __Host-foyer-device=y` } })).text;
  const people = Array.from({ length: 40 }, (_, i) => `session${i}`);
  const where = await Promise.all(people.map(ask));
  expect(await Promise.all(people.map(ask)), "the second time").toEqual(where);
  for (const { name } of instances) expect(where.filter((instance) => instance === name).length, name).toBeGreaterThan(8);
  await instances[0].stop();
  expect(await Promise.all(people.map(ask)), "all are served").toEqual(people.map(() => "second"));
});
