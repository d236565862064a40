// A room of thousands: its panel shows all of them, and has elements for those in sight.

import type { Database } from "./support/cluster.ts";
import { expect, names, test } from "./support/test.ts";

const COUNT = 4999; // and alice

/** A room by invitation with thousands of members, alice's. */
async function largeRoom(database: Database): Promise<void> {
  await database.script(`
    INSERT INTO accounts (username, name, password_hash) SELECT 'member' || i, 'Member ' || i, '' FROM generate_series(1, ${COUNT}) i;
    INSERT INTO rooms (name, creator, title, persistent, public, members_only, moderated, non_anonymous, change_subject, invites, private, archive, max_occupants)
      VALUES ('assembly', 'alice', 'Assembly', true, false, true, false, true, true, true, 'anyone', true, 2000);
    INSERT INTO room_affiliations (room, username, affiliation) SELECT 'assembly', 'member' || i, 'member' FROM generate_series(1, ${COUNT}) i;
    INSERT INTO room_affiliations (room, username, affiliation) VALUES ('assembly', 'alice', 'owner');`);
}

// Converse alone takes minutes for it (static/js/chat/occupants.js).
test("a room of 5,000 members", async ({ database, visit }) => {
  await largeRoom(database);
  const alice = await visit("alice");
  await alice.openSite();
  const { page } = alice;
  await page.goto("/chat/room/assembly");
  await expect(alice.input()).toBeVisible();
  await page.getByRole("button", { name: "Members", exact: true }).click();
  const rows = page.locator("#room-panel .room-person");
  await expect(rows.filter({ hasText: names.alice })).toBeVisible();
  await expect(page.locator("#room-panel [aria-setsize='5000']").first()).toBeAttached();
  expect(await rows.count()).toBeLessThan(60);
  await page.getByLabel("Find people in this room").fill("member 4321");
  await expect(rows).toContainText(["Member 4321Member · Not here now"]);
});
