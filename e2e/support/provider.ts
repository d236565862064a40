import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "@playwright/test";
import OIDC from "oidc-provider";
import type { Person } from "./person.ts";
import MemoryAdapter from "oidc-provider/lib/adapters/memory_adapter.js";

/** Who is known at the provider: by the name that they sign in with there. */
const people: Record<string, Record<string, unknown>> = {
  yan: { preferred_username: "yan", name: "Yan Young" },
  zoe: { preferred_username: "zoe", name: "Zoe Zimmer", groups: ["staff"] },
  impostor: { preferred_username: "alice", name: "Alex Impostor", email: "alice@localhost", email_verified: true },
};

const secret = "a secret of the tests"; // of the clients

/**
 * A real OpenID Connect provider (oidc-provider, which is certified) on a free port of
 * loopback. It has a session of its own in the browser, signs out those whom a client
 * sends, and tells the site then (back-channel logout).
 */
export class Provider {
  private readonly clients = new Map<string, object>();
  private constructor(
    private readonly server: Server,
    readonly issuer: string,
  ) {}

  static async start(): Promise<Provider> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const provider = new Provider(server, issuer);
    server.on("request", new OIDC(issuer, provider.configuration()).callback());
    return provider;
  }

  /** The settings of a site that people sign in to by it. */
  get settings(): Record<string, string> {
    return {
      OIDC_PROVIDERS: "example",
      OIDC_EXAMPLE_LABEL: "Example ID",
      OIDC_EXAMPLE_ISSUER: this.issuer,
      OIDC_EXAMPLE_CLIENT_ID: "foyer",
      OIDC_EXAMPLE_CLIENT_SECRET: secret,
      OIDC_EXAMPLE_SCOPES: "openid profile groups",
      OIDC_EXAMPLE_GROUPS_CLAIM: "groups",
    };
  }

  /** Enters a site as a client, as an operator does on the provider's pages. */
  register(site: string): void {
    this.enter("foyer", site, "/signin/with/example/back", {
      backchannel_logout_uri: `${site}/signin/with/example/logout`,
      backchannel_logout_session_required: true,
    });
  }

  /** Enters a proxy that signs people in before they reach a site. */
  registerProxy(site: string, callback: string): { id: string; secret: string } {
    this.enter("proxy", site, callback, {});
    return { id: "proxy", secret };
  }

  private enter(id: string, site: string, callback: string, more: object): void {
    this.clients.set(id, { client_id: id, client_secret: secret, redirect_uris: [site + callback], post_logout_redirect_uris: [`${site}/`], ...more });
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private configuration(): object {
    return {
      adapter: (model: string) => (model === "Client" ? { find: async (id: string) => this.clients.get(id) } : new MemoryAdapter(model)),
      claims: { openid: ["sub"], profile: ["name", "preferred_username"], groups: ["groups"] },
      scopes: ["openid", "profile", "groups"],
      cookies: { keys: ["a key of the tests"] },
      features: { devInteractions: { enabled: true }, backchannelLogout: { enabled: true }, rpInitiatedLogout: { enabled: true } },
      findAccount: async (_: unknown, id: string) => people[id] && { accountId: id, claims: async () => ({ sub: id, ...people[id] }) },
      // It asks nobody inside its network, unless it is told to: here, all sites are there.
      fetch: (url: string, { dispatcher: _, ...options }: RequestInit & { dispatcher?: unknown }) => fetch(url, options),
      // The team's own site needs nobody's consent.
      loadExistingGrant: async (ctx: { oidc: Context }) => {
        const { provider, client, session } = ctx.oidc;
        const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
        grant.addOIDCScope("openid profile groups");
        await grant.save();
        return grant;
      },
    };
  }
}

/** Signs in on the provider's own page. */
export async function logIn(page: Page, login: string): Promise<void> {
  await page.getByPlaceholder("Enter any login").fill(login);
  await page.getByPlaceholder("and password").fill("any");
  await page.getByRole("button", { name: "Sign-in" }).click();
}

/** What a browser says that has gone to the provider's own pages, on purpose. */
export function atProvider(person: Person, provider: Provider): void {
  person.watch.allow(new RegExp(`third party: ${provider.issuer}`), /401/, new RegExp(`${provider.issuer}/favicon`), /fonts\.googleapis\.com/); // its pages have a font from there
}

/** What of a request's context is used. */
type Context = {
  provider: { Grant: new (of: object) => { addOIDCScope(scope: string): void; save(): Promise<void> } };
  client: { clientId: string };
  session: { accountId: string };
};
