// What a person does in a day: moves between pages, reloads, comes back, clears
// the browser's storage. The server's own counts show what that costs.

import { Client } from "./support/client.ts";
import type { Counts } from "./support/site.ts";
import { clearStorage } from "./support/storage.ts";
import { expect, pageWays, type Person, type Site, test, type Transport } from "./support/test.ts";

/** What the server counted between two moments. */
async function during(site: Site, act: () => Promise<void>): Promise<Counts> {
  const before = await site.counts();
  await act();
  const after = await site.counts();
  return Object.fromEntries(Object.keys(after).map((name) => [name, after[name]! - (before[name] ?? 0)]));
}

/** No new session, no roster fetched; streams as said. */
function expectCost(cost: Counts, streams: { opened: number; resumed: number }): void {
  expect(cost).toMatchObject({
    foyer_streams_opened_total: streams.opened,
    foyer_sessions_resumed_total: streams.resumed,
    foyer_sessions_bound_total: 0,
    foyer_roster_gets_total: 0,
  });
}

/** A reload resumes the stream over WebSocket (XEP-0198), and keeps it on BOSH. */
const reloadCost = (transport: Transport) =>
  transport === "websocket" ? { opened: 1, resumed: 1 } : { opened: 0, resumed: 0 };

/** A page change opens no stream and keeps what was typed. */
async function changePages(alice: Person, bob: Client, site: Site): Promise<void> {
  const cost = await during(site, async () => {
    await alice.input().fill("half a sentence");
    await alice.goTo("Settings");
    await expect(alice.input()).toHaveValue("half a sentence");
    await bob.say("heard on another page");
    await alice.hears("heard on another page");
    await alice.goTo("Chat");
    await expect(alice.input()).toHaveValue("half a sentence");
    await alice.goTo("Home");
    await expect(alice.input()).toHaveValue("half a sentence");
    await alice.say("said on the first page");
    await expect.poll(() => bob.heard).toEqual(["said on the first page"]);
  });
  expectCost(cost, { opened: 0, resumed: 0 });
}

for (const { login, transport } of pageWays) {
  test.describe(`${login} over ${transport}`, () => {
    test.use({ login, transport });

    // A WebSocket has to sign in again, and a password only the person knows.
    const asks = login === "password" && transport === "websocket";
    const goesOn = asks ? "a reload asks for the password" : "a reload goes on where it was";

    test(`${goesOn}, and misses nothing`, async ({ alice, site }) => {
      const bob = await Client.signIn(site, "bob");
      await alice.talkTo("bob");
      // Her roster is asked for once, and has come before what comes after it.
      await expect.poll(async () => (await site.counts())["foyer_roster_gets_total"]).toBe(1);
      await bob.say("hello");
      await alice.hears("hello");
      const sooner = ["hello"];
      if (login === "session") {
        await test.step("a page change opens no stream and keeps what was typed", () => changePages(alice, bob, site));
        sooner.push("heard on another page", "said on the first page");
      }

      await alice.say("before");
      await expect.poll(() => bob.heard).toContain("before");
      await alice.canGoOn();
      const cost = await during(site, async () => {
        await alice.page.goto("about:blank");
        await bob.say("while away");
        await alice.page.goto("/");
        if (asks) await alice.enterChat();
        await alice.hears("before");
        await alice.hears("while away");
        await alice.say("after");
        await expect.poll(() => bob.heard).toContain("after");
      });
      if (!asks) expectCost(cost, reloadCost(transport));
      const all = [...sooner, "before", "while away", "after"];
      await expect.poll(() => alice.conversation()).toEqual(all);
      expect(bob.heard).toEqual(all.filter((text) => !["hello", "heard on another page", "while away"].includes(text)));

      if (login !== "session") return;
      await test.step("the history is there after the browser forgot everything", async () => {
        await alice.say("🐈‍⬛ one more");
        await expect.poll(() => bob.heard).toContain("🐈‍⬛ one more");
        await clearStorage(alice);
        await alice.page.goto("/");
        await alice.enterChat();
        await alice.talkTo("bob");
        await alice.hears("one more");
        await expect.poll(() => alice.conversation()).toEqual([...all, "🐈‍⬛ one more"]);
      });
    });
  });
}
