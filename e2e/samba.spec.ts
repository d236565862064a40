// People of an Active Directory: from the sign-in page to a conversation, and out again. Samba is
// its domain controller.

import { Samba } from "./support/samba.ts";
import { expect, test as base } from "./support/test.ts";

const test = base.extend<{ samba: Samba }>({
  samba: [
    async ({}, use) => {
      const samba = await Samba.start({ zoe: "Zoë Zimmer" });
      base.skip(typeof samba === "string", String(samba));
      await use(samba as Samba);
      await (samba as Samba).stop();
    },
    { timeout: 180_000 },
  ],

  settings: async ({ samba }, use) => use({ ...samba.settings, LDAP_LABEL: "Example Ltd" }),
});

test("by the domain, into a conversation, and out", async ({ visit, samba }) => {
  const [zoe, bob] = [await visit("carol"), await visit("bob")]; // whose browser it is does not matter
  await zoe.page.goto("/signin");
  await expect(zoe.page.getByText("You can also use the password of Example Ltd.")).toBeVisible();
  await zoe.page.getByLabel("User name").fill("EXAMPLE\\Zoe");
  await zoe.page.getByLabel("Password").fill(samba.password);
  await zoe.page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(zoe.page.getByRole("heading", { level: 1 })).toHaveText("Hello, Zoë Zimmer");
  await zoe.talkTo("bob");
  await zoe.say("Hello from the domain");
  await bob.signIn();
  await bob.page.getByRole("button", { name: "Message Zoë Zimmer" }).click();
  await bob.hears("Hello from the domain");
  await bob.say("Hello, Zoë");
  await zoe.hears("Hello, Zoë");
  await zoe.signOut();
});
