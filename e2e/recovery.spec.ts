// The site is restarted, crashes, or loses its database in the middle of a
// conversation: no message that was acknowledged is lost, none comes twice, and
// the chat comes back by itself.

import type { Page } from "@playwright/test";
import type { Cluster, Database } from "./support/cluster.ts";
import { enterRoom, expect, type Login, makeRoom, type Person, sessionWays, type Site, test, type Transport, ways } from "./support/test.ts";

const numbered = (n: number, what: string) => Array.from({ length: n }, (_, i) => `${what} ${i + 1}`);

/** Stops the site in order, and starts it again when the page has said so. */
async function restart(site: Site, { page }: Person): Promise<void> {
  expect(await site.stop()).toEqual({ code: 0, signal: null });
  await expect(page.getByText("Reconnecting …")).toBeVisible();
  await site.start();
}

async function areBack(...people: Person[]): Promise<void> {
  for (const person of people) await expect(person.notice()).toBeHidden({ timeout: 60_000 });
}

/** Both hear each other. */
async function talk(alice: Person, bob: Person, asked: string, answered: string): Promise<void> {
  await alice.insist(asked);
  await bob.hears(asked);
  await bob.insist(answered);
  await alice.hears(answered);
}

async function restartInConversation(alice: Person, bob: Person, site: Site, database: Database): Promise<void> {
  await alice.talkTo("bob");
  await alice.say("before");
  await bob.talkTo("alice");
  await bob.hears("before");
  await restart(site, alice);
  await areBack(alice, bob);
  await talk(alice, bob, "after", "and back");
  expect(await database.archived("bob")).toEqual(["before", "after", "and back"]);
  await expect.poll(() => bob.conversation()).toEqual(["before", "after", "and back"]);
}

/** The latest of a person's archive as it was sent, to be told when something is there twice. */
async function lastStanzas(database: Database, user: string): Promise<string> {
  const rows = await database.query(
    "SELECT convert_from(stanza, 'UTF8') stanza FROM archive WHERE owner = $1 || '@localhost' ORDER BY id DESC LIMIT 10", user);
  return rows.map(({ stanza }) => stanza).join("\n");
}

async function crash(alice: Person, bob: Person, site: Site, database: Database, transport: Transport): Promise<void> {
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
  await areBack(alice, bob);
  await alice.input().fill(""); // what Converse did not take while it was offline is still there
  await alice.insist("at last");
  await bob.hears("at last");

  const stored = await database.archived("alice");
  expect(stored).toEqual([...new Set(stored)]); // none twice
  expect(stored).toEqual(expect.arrayContaining([...early, "at last"]));
  // Whatever is stored was delivered, once. What was sent again is shown where
  // it was said, which may be before what was stored earlier. What is said now may
  // come before the archive has answered for what was missed.
  await expect.poll(async () => (await bob.conversation()).toSorted()).toEqual(stored.toSorted());
  // Stream management (XEP-0198) exists on WebSocket: there even what was sent
  // and never acknowledged gets through, sent again by the page.
  if (transport === "websocket") expect(stored.toSorted()).toEqual((await alice.conversation()).toSorted());
}

async function withoutPostgres(alice: Person, bob: Person, cluster: Cluster, database: Database): Promise<void> {
  await cluster.stop();
  const during = numbered(3, "during");
  for (const text of during) await alice.say(text);
  await expect(alice.failed("during 1")).toBeVisible(); // after 10 s
  const below = alice.page.locator("#chat .chat-msg__content").filter({ hasText: "during 1" }).first();
  expect(await below.evaluate((element) => getComputedStyle(element, "::after").content)).not.toContain("Not sent yet"); // it says either
  for (const text of during) await expect(bob.message(text)).toHaveCount(0); // not delivered before it is stored
  await cluster.resume();
  await areBack(alice, bob);

  await alice.insist("Postgres is back");
  await bob.hears("Postgres is back");
  const stored = await database.archived("bob");
  expect(stored, await lastStanzas(database, "bob")).toEqual([...new Set(stored)]);
  expect(stored).toEqual(expect.arrayContaining(["at last", "Postgres is back"]));
  const sinceCrash = (texts: string[]) => texts.slice(texts.indexOf("at last"));
  await expect.poll(async () => sinceCrash(await bob.conversation())).toEqual(sinceCrash(stored));
  // What did not get through, the sender can see.
  for (const text of during.filter((t) => !stored.includes(t))) {
    await expect(alice.failed(text)).toBeVisible();
  }
}

for (const { login, transport } of sessionWays) {
  test.describe(`${login} over ${transport}`, () => {
    test.use({ login, transport });

    test("a restart, a crash, and a database that is away lose nothing that was acknowledged", async ({ alice, bob, site, cluster, database }) => {
      test.setTimeout(300_000);
      for (const person of [alice, bob]) person.watch.allowOutage();
      await test.step("a restart", () => restartInConversation(alice, bob, site, database));
      await test.step("a crash", () => crash(alice, bob, site, database, transport));
      await test.step("Postgres is away for longer than a sender waits", () => withoutPostgres(alice, bob, cluster, database));
    });

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
      if (transport === "websocket") await expect(bob.page.getByText("You have been removed from this room: the chat was shut down")).toBeVisible();
      await site.start();
      await areBack(alice, bob);

      await talk(alice, bob, "after", "and back");
      await bob.page.reload();
      await bob.hears("after");
      await bob.insist("still here");
      await alice.hears("still here");
      const rows = await database.query("SELECT body FROM archive WHERE owner LIKE 'book-club-%' ORDER BY id");
      expect(rows).toEqual(["before", "after", "and back", "still here"].map((body) => ({ body })));
    });
  });
}

// One way for each thing that is asked of a site which has just begun. In mode
// `password` the person types it again after the server forgot.
const asked = ["prebind over bosh", "token over bosh", "signed over websocket"];

for (const { login, transport } of ways.filter((way) => asked.includes(`${way.login} over ${way.transport}`))) {
  test.describe(`${login} over ${transport}`, () => {
    test.use({ login, transport });

    test("after a restart a new stream is had, and works both ways", async ({ alice, site, database }) => {
      alice.watch.allowOutage();
      await enterRoom(alice, "Lobby");
      await alice.say("before");
      await restart(site, alice);
      await areBack(alice);
      await alice.insist("after");
      await expect.poll(() => database.query("SELECT body FROM archive WHERE owner LIKE 'lobby%' AND body <> '' ORDER BY id")).toEqual([{ body: "before" }, { body: "after" }]);
      await expect(alice.page.locator("#chat .chat-msg--unsent")).toHaveCount(0); // the room has said it back
      await expect.poll(() => alice.conversation()).toEqual(["before", "after"]);
    });
  });
}

/** A site that comes back refuses the first stream, as it does while its database is away. */
async function refuseOnce(page: Page): Promise<void> {
  let isFirst = true;
  await page.routeWebSocket(/xmpp-websocket/, (socket) => {
    if (!isFirst) {
      socket.connectToServer();
      return;
    }
    isFirst = false;
    socket.onMessage((message) => {
      const element = String(message);
      if (element.startsWith("<open")) {
        socket.send('<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" from="localhost" id="one" version="1.0"/>');
        socket.send('<features xmlns="http://etherx.jabber.org/streams"><mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><mechanism>EXTERNAL</mechanism><mechanism>PLAIN</mechanism></mechanisms></features>');
      }
      if (element.startsWith("<auth")) socket.send('<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><temporary-auth-failure/></failure>');
      if (element.startsWith("<close")) void socket.close();
    });
  });
}

const failsOnce: [Login, Transport, (page: Page) => Promise<unknown>][] = [
  ["prebind", "bosh", (page) => page.route("**/xmpp/prebind", (route) => route.abort(), { times: 1 })],
  ["session", "websocket", refuseOnce],
  ["signed", "websocket", refuseOnce],
  ["password", "websocket", refuseOnce],
];

for (const [login, transport, fail] of failsOnce) {
  test.describe(`${login} over ${transport}`, () => {
    test.use({ login, transport });

    test("where a site that comes back lets nobody in at first, what is open stays open, and goes on", async ({ alice, site }) => {
      alice.watch.allowOutage();
      alice.watch.allow(/xmpp\/prebind|temporary-auth-failure/);
      await enterRoom(alice, "Lobby");
      await alice.say("before");
      await alice.page.reload(); // everything is kept
      await alice.enterChat();
      await alice.hears("before");
      await fail(alice.page);
      expect(await site.stop()).toEqual({ code: 0, signal: null });
      await site.start();
      await expect(alice.notice()).toContainText(/Reconnecting|cannot sign you in/);
      await areBack(alice);
      await alice.insist("after");
      await expect.poll(() => alice.conversation()).toEqual(["before", "after"]);
    });
  });
}
