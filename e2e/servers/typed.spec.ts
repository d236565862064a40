import { password } from "../support/person.ts";
import { Visitor } from "../support/visitor.ts";
import { expect, Household, names, test as base } from "./fixtures.ts";

// XMPP_LOGIN=typed (docs/DELEGATED.md): a server with accounts of its own, which takes people's
// passwords and nothing of the site's. What somebody types to sign in to the site signs in there.

const test = base.extend<object, { household: Household }>({
  household: [
    async ({ kind }, use) => {
      const household = await Household.open(kind, { alice: password, bob: password, carol: "another one" });
      await use(household);
      await household.close();
    },
    { scope: "worker", timeout: 60_000 },
  ],
});

test.use({ login: "typed" });

for (const transport of ["websocket", "bosh"] as const) {
  test.describe(`typed, ${transport}`, { tag: "@interop" }, () => {
    test.use({ transport });

    test("from one sign-in to the sign-out, with a password that the server knows", async ({ visit, site, database }) => {
      const [alice, bob] = [await visit("alice"), await visit("bob")];
      for (const person of [alice, bob]) await person.fillIn();
      const [greeting, answer] = [`hello, typed, over ${transport}`, `hi, typed, over ${transport}`];
      await alice.talkTo("bob");
      await alice.say(greeting);
      await bob.talkTo("alice");
      await bob.hears(greeting);
      await bob.say(answer);
      await alice.hears(answer);

      await test.step("a reload asks for nothing, and neither page nor browser nor database has the password", async () => {
        await alice.page.reload();
        await alice.ready();
        await alice.hears(answer); // from the server's archive
        await alice.say(`${greeting}, again`);
        await bob.hears(`${greeting}, again`);
        await expect(alice.page.locator("converse-login-form")).toHaveCount(0);
        expect(await alice.page.content()).not.toContain(password);
        expect(await alice.page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))).not.toContain(password);
        const kept = await database.query("SELECT position(convert_to($1, 'UTF8') IN sealed) AS found FROM kept_passwords", password);
        expect(kept.length).toBeGreaterThanOrEqual(2);
        expect(kept.filter(({ found }) => found !== 0)).toEqual([]);
      });

      await test.step("what the site cannot do there, its pages do not offer", async () => {
        await bob.goTo("Rooms");
        await expect(bob.page.getByText("New room", { exact: true })).toHaveCount(0);
        await expect(bob.page.locator("main").getByRole("searchbox")).toHaveCount(0);
        await expect(bob.page.locator("main")).toContainText("Rooms are not listed here. Those you belong to are in the chat.");
        await bob.goTo("Home");
      });

      await test.step("each sees whether the other is around", () => expect(bob.around("alice")).toHaveText("Around"));

      await test.step("signing out ends the chat at once", async () => {
        alice.watch.allow(/\b401\b/); // as which the site says that nobody is signed in
        const elsewhere = await Visitor.arrive(site, "alice");
        expect(await elsewhere.submit("/settings", "/settings/sessions/others/end", {})).toBe(303);
        await expect(alice.notice()).toContainText("You are signed out.");
        await expect(bob.around("alice")).toHaveText("Away");
      });
    });
  });
}

test("whose password is another one there has the site, and reads that the chat does not take it", { tag: "@interop" }, async ({ visit }) => {
  const carol = await visit("carol");
  await carol.openSite();
  await expect(carol.notice()).toContainText("The chat cannot sign you in.");
  await expect(carol.page.getByText(names.bob).first()).toBeVisible();
});
