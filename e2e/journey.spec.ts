// What a person does in a day: moves between pages, reloads, comes back, clears
// the browser's storage. The server's own counts show what that costs.

import type { Counts } from "./support/site.ts";
import { clearStorage } from "./support/storage.ts";
import { expect, pageWays, sessionWays, type Site, test, type Transport } from "./support/test.ts";

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

for (const { login, transport } of sessionWays) {
  test.describe(`${login} over ${transport}`, () => {
    test.use({ login, transport });

    test("a page change opens no stream and keeps what was typed", async ({ alice, bob, site }) => {
      await alice.talkTo("bob");
      await alice.say("before");
      const cost = await during(site, async () => {
        await alice.input().fill("half a sentence");
        await alice.goTo("Settings");
        await expect(alice.input()).toHaveValue("half a sentence");
        await bob.talkTo("alice");
        await bob.say("heard on another page");
        await alice.hears("heard on another page");
        await alice.goTo("Chat");
        await expect(alice.input()).toHaveValue("half a sentence");
        await alice.goTo("Home");
        await expect(alice.input()).toHaveValue("half a sentence");
        await alice.say("after");
        await bob.hears("after");
      });
      expectCost(cost, { opened: 0, resumed: 0 });
    });

    test("the history is there after the browser forgot everything", async ({ alice, bob }) => {
      await alice.talkTo("bob");
      for (const text of ["one", "two", "🐈‍⬛ three"]) await alice.say(text);
      await bob.talkTo("alice");
      await bob.say("four");
      await alice.hears("four");
      await clearStorage(alice);
      await alice.page.goto("/");
      await alice.enterChat();
      await alice.talkTo("bob");
      await alice.hears("four");
      await expect.poll(() => alice.conversation()).toEqual(["one", "two", "🐈‍⬛ three", "four"]);
    });
  });
}

for (const { login, transport } of pageWays) {
  test.describe(`${login} over ${transport}`, () => {
    test.use({ login, transport });

    // A WebSocket has to sign in again, and a password only the person knows.
    const asks = login === "password" && transport === "websocket";
    const goesOn = asks ? "a reload asks for the password" : "a reload goes on where it was";

    test(`${goesOn}, and misses nothing`, async ({ alice, bob, site }) => {
      await alice.talkTo("bob");
      await alice.say("before");
      await bob.talkTo("alice");
      await bob.hears("before");
      const cost = await during(site, async () => {
        await alice.page.goto("about:blank");
        await bob.say("while away");
        await alice.page.goto("/");
        if (asks) await alice.enterChat();
        await alice.hears("before");
        await alice.hears("while away");
        await alice.say("after");
        await bob.hears("after");
      });
      if (!asks) expectCost(cost, reloadCost(transport));
      await expect.poll(() => alice.conversation()).toEqual(["before", "while away", "after"]);
      await expect.poll(() => bob.conversation()).toEqual(["before", "while away", "after"]);
    });
  });
}
