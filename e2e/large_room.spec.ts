// A room of thousands: its panel shows all of them, and has elements for those in sight.

import { violations } from "./support/axe.ts";
import type { Database } from "./support/cluster.ts";
import { card } from "./support/rooms.ts";
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

// Converse alone takes minutes for it (static/js/chat/room/occupants.js).
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
  const field = page.getByLabel("Find people in this room");
  await test.step("they are one stop of Tab; arrows, Home and End go through them, and Enter opens a card", async () => {
    const { keyboard } = page;
    const stops = page.locator('#room-panel .room-people [tabindex="0"]');
    const row = (name: string) => rows.filter({ has: page.getByText(name, { exact: true }) });
    const first = rows.filter({ hasText: names.alice });
    const [last, before] = [row("Member 999"), row("Member 998")]; // by their letters
    await field.focus();
    await keyboard.press("ArrowDown");
    await expect(first).toBeFocused();
    await keyboard.press("ArrowDown");
    await expect(row("Member 1")).toBeFocused();
    await expect(row("Member 1")).toHaveAttribute("tabindex", "0");
    await expect(stops).toHaveCount(1);
    await keyboard.press("End");
    await expect(last).toBeFocused();
    await expect(last).toBeInViewport();
    await keyboard.press("ArrowUp");
    await expect(before).toBeFocused();
    await keyboard.press("Tab");
    await expect(page.locator("#room-panel .room-people :focus")).toHaveCount(0);
    await keyboard.press("Shift+Tab");
    await expect(before).toBeFocused();
    await keyboard.press("Enter");
    await expect(card(alice)).toContainText("Member 998");
    await keyboard.press("Escape");
    await expect(before).toBeFocused();
    await keyboard.press("Home");
    await expect(first).toBeFocused();
    await expect(first).toBeInViewport();
    await keyboard.press("ArrowUp");
    await expect(field).toBeFocused();
    expect(await violations(page)).toEqual([]);
  });
  await field.fill("member 4321");
  await expect(rows).toContainText(["Member 4321Member · Not here now"]);
});
