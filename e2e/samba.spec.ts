// People of an Active Directory: from the sign-in page to a conversation, and out again. Samba is
// its domain controller.

import { Samba } from "./support/samba.ts";
import { expect, screens, test as base } from "./support/test.ts";

const test = base.extend<{ samba: Samba }, { domain: Samba | string }>({
  domain: [
    async ({}, use) => {
      const domain = await Samba.start({ zoe: "Zoë Zimmer" });
      await use(domain);
      if (typeof domain !== "string") await domain.stop();
    },
    { scope: "worker", timeout: 180_000 },
  ],

  samba: async ({ domain }, use) => {
    base.skip(typeof domain === "string", String(domain));
    await use(domain as Samba);
  },

  settings: async ({ samba }, use) => use({ ...samba.settings, LDAP_LABEL: "Example Ltd" }),
});

test.describe.configure({ mode: "default" }); // one domain for all

for (const [screen, viewport] of Object.entries(screens)) {
  test.describe(`on a ${screen} screen`, () => {
    test.use({ viewport, transport: screen === "phone" ? "bosh" : "websocket" });

    test("by the domain, into a conversation, and out", async ({ visit, bob, samba }) => {
      const zoe = await visit("carol"); // whose browser it is does not matter
      await zoe.page.goto("/signin");
      await expect(zoe.page.getByText("That of Example Ltd is good here, too.")).toBeVisible();
      await zoe.page.getByLabel("User name").fill("EXAMPLE\\Zoe");
      await zoe.page.getByLabel("Password").fill(samba.password);
      await zoe.page.getByRole("button", { name: "Sign in", exact: true }).click();
      await expect(zoe.page.getByRole("heading", { level: 1 })).toHaveText("Hello, Zoë Zimmer");
      await zoe.talkTo("bob");
      await zoe.say("Hello from the domain");
      await bob.page.reload();
      await bob.page.getByRole("button", { name: "Message Zoë Zimmer" }).click();
      await bob.hears("Hello from the domain");
      await bob.say("Hello, Zoë");
      await zoe.hears("Hello, Zoë");
      if (screen === "phone") await zoe.page.goto("/");
      await zoe.signOut();
    });
  });
}
