// Signing out means out: in every tab, on every transport, and for good.

import type { Database } from "./support/cluster.ts";
import { leftovers } from "./support/storage.ts";
import { expect, type Person, sessionWays, type Site, test, ways } from "./support/test.ts";

/** Says something and signs out at once, on a slow line. X-73: what is written goes out before the person does. */
async function sayAndSignOut(person: Person, text: string): Promise<void> {
  const atHttpBind = /\/http-bind/;
  await person.context.route(atHttpBind, async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 300));
    await route.continue();
  });
  await person.menu().click();
  await person.input().fill(text);
  await person.page.evaluate(() => {
    const input = document.querySelector("#chat textarea.chat-textarea")!;
    input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
    setTimeout(() => (document.querySelector('[action="/signout"][data-signout]') as HTMLFormElement).requestSubmit(), 30);
  });
  await expect(person.page.getByRole("link", { name: "Sign in" })).toBeVisible();
  await person.context.unroute(atHttpBind);
}

/** Another person in a tab in which somebody wrote and signed out is another person, who writes in it. */
async function anotherInTheTabOf(alice: Person, database: Database): Promise<Person> {
  await expect.poll(() => leftovers(alice)).toEqual([]);
  const bob = alice.become("bob");
  await bob.fillIn();
  await bob.talkTo("alice");
  await bob.say("from bob");
  await bob.hears("from alice");
  const said = () => database.query("SELECT owner, body FROM archive WHERE outgoing AND body LIKE 'from %' ORDER BY id");
  await expect.poll(said).toEqual([
    { owner: "alice@localhost", body: "from alice" },
    { owner: "bob@localhost", body: "from bob" },
  ]);
  return bob;
}

/** The page says that its session was ended elsewhere, and signing in again leaves nothing of it. */
async function isSignedOut(person: Person, site: Site, sessions: number): Promise<void> {
  await expect(person.page.getByText("You are signed out.")).toBeVisible();
  await person.page.getByRole("link", { name: "Sign in again" }).click(); // on a device that is not trusted
  const outlivesTheTab = async () => (await leftovers(person)).filter((what) => /^converse-persistent|^foyer-drafts/.test(what));
  await expect.poll(outlivesTheTab).toEqual([]);
  await expect.poll(async () => (await site.counts()).foyer_sessions).toBe(sessions);
}

/**
 * the chat's requests of a session that has ended may be answered after the next person
 * has signed in, in the same browser.
 * @param cookie of the session that has ended
 */
async function lateAnswersChangeNothing(bob: Person, cookie: string): Promise<void> {
  // The server answers, as what came late from the page of that session.
  const late: number[] = [];
  await bob.context.route(/\?late$/, async (route) => {
    const response = await route.fetch({ headers: { ...route.request().headers(), cookie }, maxRedirects: 0 });
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
}

/** who is the next in a tab hears what is said from then on at once, and once. The rest of the bound is what the race detector and the tests beside this one take. */
async function hearsAtOnce(bob: Person, carol: Person): Promise<void> {
  await bob.talkTo("carol");
  await carol.talkTo("bob");
  await carol.say("from carol");
  await bob.hears("from carol", { timeout: 6_000 });
}

for (const { login, transport } of sessionWays) {
  test.describe(`${login} over ${transport}`, () => {
    test.use({ login, transport });

    test("signing out ends both tabs, and leaves nothing to the next person in them", async ({ alice, database, visit, site }) => {
      const carol = await visit("carol");
      await carol.signIn();
      const second = await alice.newTab();
      await second.page.goto("/");
      await second.enterChat();
      await alice.talkTo("bob");
      await alice.say("from alice");
      const hers = (await alice.context.cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");

      await test.step("what was written just before arrives", async () => {
        await expect(carol.around("alice")).toHaveText("Around");
        await alice.talkTo("carol");
        await alice.say("one moment");
        alice.watch.allow(/401/); // how a tab learns that it is signed out
        await sayAndSignOut(alice, "good night");
        await carol.talkTo("alice");
        await carol.hears("good night");
      });

      await test.step("both tabs are signed out, for good", async () => {
        await expect(second.page.getByRole("link", { name: /^Sign in/ }).first()).toBeVisible();
        await expect(carol.around("alice")).toHaveText("Away");
        await expect.poll(async () => (await site.counts()).foyer_sessions).toBe(1); // carol's
        // Neither going back nor asking again brings it back.
        await alice.page.goBack();
        await alice.page.reload();
        await expect(alice.page.getByRole("link", { name: "Sign in" }).first()).toBeVisible();
        expect((await site.counts()).foyer_sessions).toBe(1);
      });

      await test.step("the next person in the tab", async () => {
        const bob = await anotherInTheTabOf(alice, database);
        if (transport === "bosh") await lateAnswersChangeNothing(bob, hers);
        await hearsAtOnce(bob, carol);
      });
    });
  });
}

// the form works as soon as it is seen; the chat, which forgets what it kept, comes later.
test("who signs out of a page before the chat is there leaves nothing in the browser either", async ({ alice, site }) => {
  alice.watch.allow(/\b401\b/); // as which the site says that nobody is signed in, to the page that is left as well
  for (const late of [/\/(js|bundle)\/.*\.js/, /converse\.min\.js/]) {
    await alice.talkTo("bob");
    await alice.say(`without ${late.source}`);
    await alice.input().fill("half a thought");
    await alice.page.evaluate(async () => {
      await (await caches.open("foyer-shared")).put("/shared", new Response("a secret")); // as the service worker does
    });
    await alice.page.route(late, () => {}); // it does not come
    await alice.page.goto("/", { waitUntil: "commit" });
    await alice.menu().click();
    await alice.page.unroute(late);
    await alice.page.getByRole("button", { name: "Sign out", exact: true }).dblclick();
    await expect(alice.page.getByText("You are signed out.")).toBeVisible();
    await expect.poll(() => leftovers(alice)).toEqual([]);
    await expect.poll(() => site.sessions()).toBe(0);
    await alice.signIn();
  }
});

test("a session that is ended elsewhere ends here, and the other goes on", async ({ alice, bob, visit, site }) => {
  const elsewhere = await visit("alice");
  await elsewhere.signIn();
  await elsewhere.goTo("Settings");
  alice.watch.allow(/401/, /WebSocket connection to/);
  await elsewhere.page.getByRole("button", { name: "Sign out everywhere else" }).click();
  await expect(elsewhere.page.getByText("All other devices have been signed out.")).toBeVisible();
  await isSignedOut(alice, site, 2); // bob's and the other alice's
  await expect(bob.around("alice")).toHaveText("Around");
});

// The page learns of it from the stream, and each mode asks for a new one in its own way.
const otherWays = ["prebind over bosh", "token over bosh", "password over websocket"];

for (const { login, transport } of ways.filter((way) => otherWays.includes(`${way.login} over ${way.transport}`))) {
  test.describe(`${login} over ${transport}`, () => {
    test.use({ login, transport });

    test("another person in the same tab is another person, whose session can be ended elsewhere", async ({ alice, database, visit, site }) => {
      await alice.talkTo("bob");
      await alice.say("from alice");
      await alice.signOut();
      const bob = await anotherInTheTabOf(alice, database);
      const carol = await visit("carol");
      await carol.signIn();
      await hearsAtOnce(bob, carol);

      const elsewhere = await visit("bob");
      await elsewhere.getCookie();
      bob.watch.allow(/401/, /WebSocket connection to/);
      const { request } = elsewhere.context;
      const [, csrf] = (await (await request.get("/settings")).text()).match(/name="csrf" value="([^"]+)"/)!;
      expect((await request.post("/settings/sessions/others/end", { form: { csrf: csrf! } })).ok()).toBe(true);
      await isSignedOut(bob, site, 1); // carol's
    });
  });
}
