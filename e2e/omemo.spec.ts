// OMEMO in the browser: what the server keeps for it (S-72) is enough for two
// people who trust their devices to talk so that the server cannot read it.

import { Archive } from "./support/archive.ts";
import { encrypt } from "./support/omemo.ts";
import { panel } from "./support/rooms.ts";
import { enterRoom, expect, makeRoom, names, test } from "./support/test.ts";
import type { Database } from "./support/cluster.ts";
import type { Person } from "./support/test.ts";

// T: Converse asks the archive when a conversation is opened, and cannot decrypt what
// comes from there and from its sender in the same moment; so nothing is said meanwhile.

test("two people talk encrypted, in a chat and in a room by invitation", async ({ visit, database }) => {
  const [alice, bob] = [await visit("alice"), await visit("bob")];
  const held = await bothAtOnce(alice);
  const [alices, bobs] = [new Archive(alice.page), new Archive(bob.page)];
  await alice.signIn({ trusted: true });
  await bob.signIn({ trusted: true });
  for (const who of ["alice", "bob"]) await published(database, who);
  const zero = `SELECT node FROM pubsub_items WHERE convert_from(payload, 'UTF8') ~ '( preKeyId|<pk id)=["'']0["'']'`;
  expect(await database.query(zero)).toEqual([]); // that key cannot be used
  await bobs.answers(() => bob.talkTo("alice"));
  await encrypt(bob);
  await bob.page.evaluate(() => (Math.random = () => 0)); // of alice's keys, the first is taken
  await test.step("what comes from its sender and from the archive in the same moment is read", () => readOnce(alice, bob, held));
  await test.step("one answers the other, after a reload as well", () => talk(alice, bob, alices));
  for (const who of ["alice", "bob"] as const) {
    for (const text of await database.archived(who)) expect(text).not.toMatch(/same time|eyes only|yours|once more/);
  }
  await test.step("in a room by invitation", () => talkInRoom(alice, bob, { alices, bobs }, database));
});

/**
 * Holds back what comes from somebody until the archive has told it too, and lets it go right
 * after that; and the answer to a new key. All that ends when it is released.
 */
async function bothAtOnce(person: Person): Promise<{ hold: () => void; release: () => void }> {
  let holding = false;
  let release!: () => void;
  const keys = new Set<string>();
  const ask: (() => void)[] = [];
  const released = new Promise<void>((resolve) => (release = resolve)).then(() => {
    holding = false;
    for (const send of ask.splice(0)) send();
  });
  await person.context.routeWebSocket(/\/xmpp-websocket/, (page) => {
    const server = page.connectToServer();
    let late: string[] = [];
    page.onMessage((data) => {
      const text = String(data);
      if (holding && text.includes("<publish")) keys.add(text.match(/<iq[^>]* id="([^"]+)"/)![1]!);
      if (holding && late.length === 0 && /<query [^>]*urn:xmpp:mam:2/.test(text)) ask.push(() => server.send(data));
      else server.send(data);
    });
    server.onMessage((data) => {
      const text = String(data);
      if (holding && /^<message[^>]*>(?!<result)/.test(text) && text.includes("<encrypted")) {
        late.push(text);
        for (const send of ask.splice(0)) send();
        return;
      }
      const [, id] = text.match(/^<iq[^>]* id="([^"]+)"/) ?? [];
      if (id && keys.has(id)) void released.then(() => page.send(text));
      else page.send(text);
      if (late.length > 0 && text.includes("<fin ")) {
        for (const held of late) page.send(held);
        late = [];
      }
    });
  });
  return { hold: () => (holding = true), release };
}

async function readOnce(alice: Person, bob: Person, { hold, release }: { hold: () => void; release: () => void }): Promise<void> {
  hold();
  await alice.talkTo("bob"); // asks the archive, which is told only when bob has spoken
  await bob.say("at the same time");
  // The reader of a first message sends a new key before they show it. If that takes long,
  // the copy that was not read is there for a while.
  await alice.hears("This message is encrypted");
  release();
  await alice.hears("at the same time");
  await expect(alice.message("This message is encrypted")).toHaveCount(0);
}

async function talk(alice: Person, bob: Person, alices: Archive): Promise<void> {
  await encrypt(alice);
  await alice.say("for your eyes only");
  await bob.hears("for your eyes only");
  await bob.say("and yours");
  await alice.hears("and yours");

  // A reload brings keys and conversation back, once what was read is kept: it is read once.
  await expect.poll(() => alice.page.evaluate(() => Object.keys(sessionStorage).some((key) => key.startsWith("foyer-arrival-")))).toBe(false);
  await alices.answers(() => alice.page.reload());
  await alice.ready();
  await alice.talkTo("bob");
  await alice.hears("and yours");
  await bob.say("once more");
  await alice.hears("once more");
}

async function talkInRoom(alice: Person, bob: Person, { alices, bobs }: Record<"alices" | "bobs", Archive>, database: Database): Promise<void> {
  await alices.answers(() => makeRoom(alice, "Surprise party", "Only people who are invited"));
  await alice.page.getByRole("button", { name: "Members", exact: true }).click();
  await panel(alice).getByRole("button", { name: "Invite", exact: true }).click();
  await panel(alice).getByRole("searchbox", { name: "Invite", exact: true }).fill("bob");
  await panel(alice).getByRole("button", { name: `Invite ${names.bob}` }).click();
  await expect(panel(alice).getByText("Invited", { exact: true })).toBeVisible();
  await panel(alice).getByRole("button", { name: "Back to the conversation" }).click();
  await expect.poll(async () => (await database.query("SELECT affiliation FROM room_affiliations WHERE username = 'bob'")).length).toBe(1);
  await bob.page.reload(); // the room is on the page, and no question about the invitation
  await bob.ready();
  await bobs.answers(() => enterRoom(bob, "Surprise party"));
  await expect(alice.page.locator("#chat .head-count")).toHaveText("2 people here"); // whom she encrypts for
  await encrypt(alice);
  await alice.say("the cake is a secret");
  await bob.hears("the cake is a secret");
  await encrypt(bob);
  await bob.say("so are the candles");
  await alice.hears("so are the candles");
  const rows = await database.query("SELECT convert_from(stanza, 'UTF8') AS stanza FROM archive WHERE owner LIKE 'surprise-party-%'");
  expect(rows.length).toBeGreaterThanOrEqual(2);
  for (const { stanza } of rows) expect(stanza).not.toMatch(/secret|candles/);
}

/** Waits until somebody's devices and keys, old and new, are on the server: making them takes a moment. */
async function published(database: Database, who: string): Promise<void> {
  const items = "SELECT node FROM pubsub_items WHERE username = $1 AND (node LIKE 'urn:xmpp:omemo:2:%' OR node LIKE 'eu.siacs.%')";
  await expect.poll(async () => (await database.query(items, who)).length).toBeGreaterThanOrEqual(4);
}
