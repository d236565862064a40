// Signing out means out: in every tab, on every transport, and for good.

import { leftovers } from "./support/storage.ts";
import { expect, modeWays, pageWays, sessionWays, test } from "./support/test.ts";

for (const { login, transport } of sessionWays) {
  test.describe(`${login} over ${transport}`, () => {
    test.use({ login, transport });

    test("signing out ends both tabs", async ({ alice, bob, site }) => {
      const second = await alice.newTab();
      await second.page.goto("/");
      await second.enterChat();
      await expect(bob.around("alice")).toHaveText("Around");

      for (const tab of [alice, second]) tab.watch.allow(/401/); // how a tab learns that it is signed out
      await alice.signOut();
      await expect(second.page.getByRole("link", { name: /^Sign in/ }).first()).toBeVisible();
      await expect(bob.around("alice")).toHaveText("Away");
      await expect.poll(async () => (await site.counts()).foyer_sessions).toBe(1); // bob's

      // Neither going back nor asking again brings it back.
      await alice.page.goBack();
      await alice.page.reload();
      await expect(alice.page.getByRole("link", { name: "Sign in" }).first()).toBeVisible();
      expect((await site.counts()).foyer_sessions).toBe(1);
    });
  });
}

for (const { login, transport } of pageWays) {
  test.describe(`${login} over ${transport}`, () => {
    test.use({ login, transport });

    // and hears what is said from then on.
    test("another person in the same tab is another person", async ({ alice, database, visit }) => {
      await alice.talkTo("bob");
      await alice.say("from alice");
      await alice.signOut();
      await expect.poll(() => leftovers(alice)).toEqual([]);

      const bob = alice.become("bob");
      await bob.fillIn();
      await bob.talkTo("alice");
      await bob.say("from bob");
      await bob.hears("from alice");
      await expect.poll(() => database.query("SELECT owner, body FROM archive WHERE outgoing AND body <> '' ORDER BY id")).toEqual([
        { owner: "alice@localhost", body: "from alice" },
        { owner: "bob@localhost", body: "from bob" },
      ]);
      if (login !== "token") return; // one way is enough
      const elsewhere = await visit("alice");
      await elsewhere.signIn();
      await elsewhere.talkTo("bob");
      await elsewhere.say("from alice, elsewhere");
      await bob.hears("from alice, elsewhere"); // once
    });
  });
}

// The page learns of it from the stream, and each mode asks for a new one in its own way.
for (const { login, transport } of modeWays) {
  test.describe(`${login} over ${transport}`, () => {
    test.use({ login, transport });

    test("a session that is ended elsewhere ends here", async ({ alice, bob, visit, site }) => {
      const elsewhere = await visit("alice");
      await elsewhere.signIn();
      await elsewhere.goTo("Settings");
      alice.watch.allow(/401/, /WebSocket connection to/);
      await elsewhere.page.getByRole("button", { name: "Sign out everywhere else" }).click();
      await expect(elsewhere.page.getByText("All other devices are signed out.")).toBeVisible();

      await expect(alice.page.getByText("You are signed out.")).toBeVisible();
      await alice.page.getByRole("link", { name: "Sign in again" }).click(); // on a device that is not trusted
      const outlivesTheTab = async () => (await leftovers(alice)).filter((what) => /^converse-persistent|^foyer-drafts/.test(what));
      await expect.poll(outlivesTheTab).toEqual([]);
      await expect.poll(async () => (await site.counts()).foyer_sessions).toBe(2); // bob's and the other alice's
      await expect(bob.around("alice")).toHaveText("Around");
    });
  });
}

// what is written goes out before the person does. Over BOSH it waits for a
// request while two are under way.
for (const transport of ["websocket", "bosh"] as const) {
  test.describe(`over ${transport}`, () => {
    test.use({ transport });

    test("what was written just before signing out arrives", async ({ alice, bob }) => {
      await alice.talkTo("bob");
      await alice.say("one moment");
      await alice.context.route(/\/http-bind/, async (route) => {
        await new Promise((resolve) => setTimeout(resolve, 300)); // a slow line
        await route.continue();
      });
      await alice.menu().click();
      await alice.input().fill("good night");
      await alice.page.evaluate(() => {
        const input = document.querySelector("#chat textarea.chat-textarea")!;
        input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
        setTimeout(() => (document.querySelector('[action="/signout"][data-signout]') as HTMLFormElement).requestSubmit(), 30);
      });
      await expect(alice.page.getByRole("link", { name: "Sign in" })).toBeVisible();
      await bob.talkTo("alice");
      await bob.hears("good night");
    });
  });
}

// the chat's requests of a session that has ended may be answered after the next person
// has signed in, in the same browser.
test.describe("session over bosh", () => {
  test.use({ login: "session", transport: "bosh" });

  test("an answer to somebody who has signed out leaves the next one signed in", async ({ alice }) => {
    const hers = (await alice.context.cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
    await alice.signOut();
    const bob = alice.become("bob");
    await bob.fillIn();

    // The server answers, as what came late from alice's page.
    const late: number[] = [];
    await bob.context.route(/\?late$/, async (route) => {
      const response = await route.fetch({ headers: { ...route.request().headers(), cookie: hers }, maxRedirects: 0 });
      late.push(response.status());
      await route.fulfill({ response });
    });
    bob.watch.allow(/401/);
    // Pages for nobody have forms, whose cookie is of no use to who is signed in.
    const cookies = async () => (await bob.context.cookies()).filter(({ name }) => !name.endsWith("-form"));
    const before = await cookies();
    expect(before.map(({ name }) => name)).toContain("foyer");
    for (const path of ["/xmpp/me", "/", "/settings", "/rooms", "/avatars/0"]) {
      await bob.page.evaluate((url) => fetch(url, { redirect: "manual" }).then((answer) => answer.text()), `${path}?late`);
    }
    expect(late).toEqual([401, 200, 303, 303, 303]); // nobody's
    expect(await cookies()).toEqual(before);
    await bob.page.goto("/settings");
    await expect(bob.page.getByLabel("Your name, as others see it")).toHaveValue(bob.name);
    await bob.page.goto("/");
    await bob.ready();
    await bob.talkTo("alice");
    await bob.say("still here");
  });
});
