// People whom Apache signs in at an OpenID Connect provider (mod_auth_openidc), and whom the site
// knows by the header that Apache sets: from there to a conversation, and out at both.

import { request } from "node:http";
import { hasOpenIDCApache, OpenIDCApache } from "./support/openidc_apache.ts";
import { freePort } from "./support/ports.ts";
import { atProvider, logIn, Provider } from "./support/provider.ts";
import { expect, type Person, screens, test as base } from "./support/test.ts";

type Front = { provider: Provider; port: number; behind: number };

const test = base.extend<{ front: Front; apache: OpenIDCApache }>({
  front: async ({}, use) => {
    base.skip(!hasOpenIDCApache, "apache2 and libapache2-mod-auth-openidc are not installed; scripts/test.sh interop does that");
    const provider = await Provider.start();
    await use({ provider, port: await freePort(), behind: await freePort() });
    await provider.stop();
  },

  settings: async ({ front: { port, behind } }, use) =>
    use({
      ADDR: `localhost:${behind}`,
      BASE_URL: `http://localhost:${port}`,
      TRUSTED_PROXIES: "127.0.0.1,::1",
      HEADER_SIGNIN: "X-Forwarded-User",
      HEADER_SIGNIN_NAME: "X-Forwarded-Name",
      HEADER_SIGNIN_GROUPS: "X-Forwarded-Groups",
      HEADER_SIGNIN_ADMIN_GROUPS: "staff",
      HEADER_SIGNOUT_URL: `/oidc?logout=${encodeURIComponent(`http://localhost:${port}/`)}`,
    }),

  apache: async ({ front: { provider, port, behind } }, use) => {
    const client = provider.registerProxy(`http://localhost:${port}`, "/oidc");
    const apache = await OpenIDCApache.start(port, behind, provider.issuer, client);
    await use(apache);
    await apache.stop();
  },

  // Visitors come through Apache.
  visit: async ({ apache, visit }, use) => {
    expect(apache.lines.length).toBeGreaterThan(0);
    await use(visit);
  },
});

/** Opens the site, and signs in where Apache sends them. */
async function signInAs(person: Person, login: string, name: string): Promise<void> {
  await person.page.goto("/");
  await logIn(person.page, login);
  await expect(person.page.getByRole("heading", { level: 1 })).toHaveText(`Hello, ${name}`);
}

test("from Apache to a conversation, and out at both, whatever headers a browser has of its own", async ({ visit, front: { provider, port } }) => {
  const forged = { "X-Forwarded-User": "alice", "X-Forwarded-Name": "Alice", "X-Forwarded-Groups": "staff" };
  const zoe = await visit("alice"); // whose browser it is does not matter
  const yan = await visit("bob");
  for (const person of [zoe, yan]) atProvider(person, provider);

  // What a browser says of itself counts for nothing: neither before Apache knows somebody, nor after.
  await test.step("a header of the browser's own is nobody", async () => {
    for (const path of ["/", "/settings", "/xmpp/me", "/xmpp-websocket", "/http-bind"]) {
      expect(await ask(port, path, forged), path).toBe(401); // only browsers that want a page are sent to the provider
    }
    await yan.context.setExtraHTTPHeaders(forged);
    await yan.context.route(`${provider.issuer}/**`, (route) => route.continue({ headers: without(forged, route.request().headers()) }));
    await signInAs(yan, "yan", "Yan Young");
    await yan.enterChat();
    await yan.page.goto("/settings");
    await expect(yan.page.getByText("yan", { exact: true }).first()).toBeVisible();
    const me = await yan.context.request.get("/xmpp/me");
    expect(await me.text()).toContain('"yan"');
  });
  await test.step("a conversation, on a phone by BOSH and on a wide screen by WebSocket", async () => {
    await zoe.page.setViewportSize(screens.phone);
    await zoe.loseWebSocket();
    await signInAs(zoe, "zoe", "Zoe Zimmer");
    await zoe.page.getByRole("button", { name: "Message Yan Young" }).click();
    await zoe.say("Good morning from behind Apache");
    await expect(yan.page.getByRole("link", { name: "Chat 1 unread message" })).toBeVisible();
    await yan.page.goto("/");
    await yan.page.getByRole("button", { name: "Message Zoe Zimmer" }).click();
    await yan.hears("Good morning from behind Apache");
    await yan.say("Good morning, Zoe");
    await zoe.hears("Good morning, Zoe");
  });
  await test.step("out at both", async () => {
    await zoe.page.goto("/"); // the chat covers the page
    await zoe.menu().click();
    await zoe.page.getByRole("button", { name: "Sign out", exact: true }).click();
    await zoe.page.getByRole("button", { name: /sign me out/i }).click();
    await expect(zoe.page.getByPlaceholder("Enter any login")).toBeVisible(); // Apache asks again who it is, and so does the provider
    await logIn(zoe.page, "yan");
    await expect(zoe.page.getByRole("heading", { level: 1 })).toHaveText("Hello, Yan Young");
  });
});

/** Asks Apache without a browser; returns the status. */
function ask(port: number, path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, headers: { ...headers, Host: `localhost:${port}` } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode!);
    });
    asked.on("error", reject);
    asked.end();
  });
}

function without(names: Record<string, string>, headers: Record<string, string>): Record<string, string> {
  const lower = Object.keys(names).map((name) => name.toLowerCase());
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !lower.includes(name)));
}
