// The site is restarted, crashes, or loses its database in the middle of a
// conversation: no message that was acknowledged is lost, none comes twice, and
// the chat comes back by itself.

import { enterRoom, expect, makeRoom, sessionWays, test, ways } from "./support/test.ts";

const numbered = (n: number, what: string) => Array.from({ length: n }, (_, i) => `${what} ${i + 1}`);

// One way for each thing that is asked of a site which has just begun. In mode
// `password` the person types it again after the server forgot.
const asked = ["session over websocket", "session over bosh", "prebind over bosh", "token over bosh", "signed over websocket"];

for (const { login, transport } of ways.filter((way) => asked.includes(`${way.login} over ${way.transport}`))) {
  test.describe(`${login} over ${transport}`, () => {
    test.use({ login, transport });

    test("a restart is survived", async ({ alice, bob, site, database }) => {
      for (const person of [alice, bob]) person.watch.allowOutage();
      await alice.talkTo("bob");
      await alice.say("before");
      await bob.talkTo("alice");
      await bob.hears("before");

      expect(await site.stop()).toEqual({ code: 0, signal: null });
      await expect(alice.page.getByText("Reconnecting …")).toBeVisible();
      await site.start();
      for (const person of [alice, bob]) await expect(person.notice()).toBeHidden({ timeout: 60_000 });

      await alice.insist("after");
      await bob.hears("after");
      await bob.insist("and back");
      await alice.hears("and back");
      expect(await database.archived("bob")).toEqual(["before", "after", "and back"]);
      await expect.poll(() => bob.conversation()).toEqual(["before", "after", "and back"]);
    });
  });
}

for (const { login, transport } of sessionWays) {
  test.describe(`${login} over ${transport}`, () => {
    test.use({ login, transport });

    test("a crash loses nothing that was acknowledged", async ({ alice, bob, site, database }) => {
      for (const person of [alice, bob]) person.watch.allowOutage();
      await alice.talkTo("bob");
      await bob.talkTo("alice");
      const early = numbered(5, "early");
      for (const text of early) await alice.say(text);
      await bob.hears("early 5");

      // Typed as the site goes down: some are on their way, some never leave.
      const late = numbered(5, "late");
      const typing = (async () => {
        for (const text of late) await alice.type(text);
      })();
      await alice.hears("late 1");
      await Promise.all([site.kill(), typing]);
      await site.start();
      for (const person of [alice, bob]) await expect(person.notice()).toBeHidden({ timeout: 60_000 });
      await alice.input().fill(""); // what Converse did not take while it was offline is still there
      await alice.insist("at last");
      await bob.hears("at last");

      const stored = await database.archived("alice");
      expect(stored).toEqual([...new Set(stored)]); // none twice
      expect(stored).toEqual(expect.arrayContaining([...early, "at last"]));
      // Whatever is stored was delivered, once. What was sent again is shown where
      // it was said, which may be before what was stored earlier.
      expect((await bob.conversation()).toSorted()).toEqual(stored.toSorted());
      // Stream management (XEP-0198) exists on WebSocket: there even what was sent
      // and never acknowledged gets through, sent again by the page.
      if (transport === "websocket") expect(stored.toSorted()).toEqual((await alice.conversation()).toSorted());
    });
  });
}

for (const { login, transport } of sessionWays) {
  test.describe(`${login} over ${transport}`, () => {
    test.use({ login, transport });

    // XEP-0045 §11.2 (S-87): the room says that the server stops, and is entered
    // again afterwards.
    test("a restart in a room", async ({ alice, bob, site, database }) => {
      for (const person of [alice, bob]) person.watch.allowOutage();
      await makeRoom(alice, "Book club");
      await alice.say("before");
      await bob.page.reload();
      await bob.ready();
      await enterRoom(bob, "Book club");
      await bob.hears("before");
      expect(await site.stop()).toEqual({ code: 0, signal: null });
      await expect(bob.page.getByText("Reconnecting …")).toBeVisible();
      // On BOSH the end of the stream comes along with that, and Converse looks at the end first.
      if (transport === "websocket") await expect(bob.page.getByText("You are out of this room: the chat was stopped")).toBeVisible();
      await site.start();
      for (const person of [alice, bob]) await expect(person.notice()).toBeHidden({ timeout: 60_000 });

      await alice.insist("after");
      await bob.hears("after");
      await bob.insist("and back");
      await alice.hears("and back");
      await bob.page.reload();
      await bob.hears("after");
      await bob.insist("still here");
      await alice.hears("still here");
      const rows = await database.query("SELECT body FROM archive WHERE owner LIKE 'book-club-%' ORDER BY id");
      expect(rows).toEqual(["before", "after", "and back", "still here"].map((body) => ({ body })));
    });

    test("Postgres is away for longer than a sender waits", async ({ alice, bob, cluster, database }) => {
      test.setTimeout(300_000);
      for (const person of [alice, bob]) person.watch.allowOutage();
      await alice.talkTo("bob");
      await bob.talkTo("alice");
      await alice.say("before");
      await bob.hears("before");

      await cluster.stop();
      const during = numbered(3, "during");
      for (const text of during) await alice.say(text);
      await expect(alice.failed("during 1")).toBeVisible(); // after 10 s
      const below = alice.page.locator("#chat .chat-msg__message").filter({ hasText: "during 1" }).first();
      expect(await below.evaluate((element) => getComputedStyle(element, "::after").content)).not.toContain("Not sent yet"); // it says either
      for (const text of during) await expect(bob.message(text)).toHaveCount(0); // not delivered before it is stored
      await cluster.resume();
      for (const person of [alice, bob]) await expect(person.notice()).toBeHidden({ timeout: 60_000 });

      await alice.insist("after");
      await bob.hears("after");
      const stored = await database.archived("bob");
      expect(stored).toEqual([...new Set(stored)]);
      expect(stored).toEqual(expect.arrayContaining(["before", "after"]));
      await expect.poll(() => bob.conversation()).toEqual(stored);
      // What did not get through, the sender can see.
      for (const text of during.filter((t) => !stored.includes(t))) {
        await expect(alice.failed(text)).toBeVisible();
      }
    });
  });
}
