// OMEMO in the browser: what the server keeps for it (S-72) is enough for two
// people who trust their devices to talk so that the server cannot read it.

import { expect, test } from "./support/test.ts";
import type { Database } from "./support/cluster.ts";
import type { Person } from "./support/test.ts";

test("two people talk encrypted", async ({ visit, database }) => {
  const [alice, bob] = [await visit("alice"), await visit("bob")];
  await alice.signIn({ trusted: true });
  await bob.signIn({ trusted: true });
  for (const who of ["alice", "bob"]) await published(database, who);
  await alice.talkTo("bob");
  // T: Converse reads the archive when a chat is opened, and cannot decrypt what comes both ways in the same moment.
  await bob.talkTo("alice");
  await encrypt(alice);
  await alice.say("for your eyes only");
  await bob.hears("for your eyes only");
  await encrypt(bob);
  await bob.say("and yours");
  await alice.hears("and yours");

  // A reload brings keys and conversation back.
  await alice.page.reload();
  await alice.ready();
  await alice.talkTo("bob");
  await alice.hears("and yours");
  await bob.say("once more");
  await alice.hears("once more");

  for (const who of ["alice", "bob"] as const) {
    for (const text of await database.archived(who)) expect(text).not.toContain("eyes only");
  }
});

/** Waits until somebody's devices and keys, old and new, are on the server: making them takes a moment. */
async function published(database: Database, who: string): Promise<void> {
  const items = "SELECT node FROM pubsub_items WHERE username = $1 AND (node LIKE 'urn:xmpp:omemo:2:%' OR node LIKE 'eu.siacs.%')";
  await expect.poll(async () => (await database.query(items, who)).length).toBeGreaterThanOrEqual(4);
}

/** Presses the lock, once the other side's devices are known; it may be closed already. */
async function encrypt(person: Person): Promise<void> {
  const button = person.page.locator('#chat .toggle-omemo[data-disabled="false"]');
  const closed = button.locator("converse-icon.fa-lock");
  await expect(button).toBeVisible();
  if ((await closed.count()) === 0) await button.click();
  await expect(closed).toBeVisible();
}
