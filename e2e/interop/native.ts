import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request } from "@playwright/test";
import { type Account, test as base } from "./fixtures.ts";
import { makeCertificate } from "../support/certificate.ts";
import { password as demoPassword } from "../support/test.ts";

export { expect } from "./fixtures.ts";

/** Where apps connect: TCP, with STARTTLS. */
export type Port = {
  host: string;
  port: string;
  /** The file with the certificate that proves the site. */
  certificate: string;
  /** Makes an app password on the settings page, as people do. */
  appPassword: (account: Account) => Promise<string>;
};

/** A site with a port for native clients. */
export const test = base.extend<{ port: Port; certificate: string }>({
  certificate: async ({}, use) => {
    const directory = mkdtempSync(join(tmpdir(), "foyer-certificate-"));
    await use(makeCertificate(directory).cert);
    rmSync(directory, { recursive: true });
  },

  settings: async ({ certificate }, use) => {
    await use({
      XMPP_C2S_ADDR: "localhost:0",
      XMPP_TLS_CERT: certificate,
      XMPP_TLS_KEY: certificate.replace("cert.pem", "key.pem"),
    });
  },

  port: async ({ site, certificate }, use) => {
    const [, port] = await site.says(/msg="native clients" addr=\S+:(\d+)/);
    await use({ host: "127.0.0.1", port: port!, certificate, appPassword: (account) => appPassword(site.url, account) });
  },
});

async function appPassword(url: string, account: Account): Promise<string> {
  const browser = await request.newContext({ baseURL: url });
  const submit = async (page: string, action: string, fields: Record<string, string>): Promise<string> => {
    const [, csrf] = (await (await browser.get(page)).text()).match(/name="csrf" value="([^"]+)"/)!;
    const answer = await browser.post(action, { form: { csrf: csrf!, ...fields } });
    return answer.text();
  };
  await submit("/signin", "/signin", { username: account, password: demoPassword });
  const page = await submit("/settings", "/settings/apps", { name: "interop" });
  const shown = page.match(/<code class="secret">([^<]+)<\/code>/);
  if (!shown) throw new Error(`no app password for ${account}: ${page}`);
  await browser.dispose();
  return shown[1]!;
}
