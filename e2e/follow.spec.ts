// The rooms one belongs to, which nobody has opened in this browser: what is said there is
// counted, a mention is marked, and reading it on one device reads it on the others.

import { expect, names, type Person, test } from "./support/test.ts";
import { chooseAbove } from "./support/rooms.ts";
import type { Database } from "./support/cluster.ts";

const ROOMS = 200;

/** Rooms that belong to bob, with alice in them. */
async function manyRooms(database: Database): Promise<void> {
  await database.query(`INSERT INTO rooms (name, creator, title, persistent, public, members_only, moderated, non_anonymous, change_subject, invites, private, archive, max_occupants)
    SELECT 'r' || n, 'bob', 'Room ' || n, true, true, true, false, false, true, true, 'anyone', true, 100 FROM generate_series(1, ${ROOMS}) n`);
  await database.query(`INSERT INTO room_affiliations (room, username, affiliation) SELECT 'r' || n, 'bob', 'owner' FROM generate_series(1, ${ROOMS}) n`);
  await database.query(`INSERT INTO room_affiliations (room, username, affiliation) SELECT 'r' || n, 'alice', 'member' FROM generate_series(1, ${ROOMS}) n`);
}

const unread = (person: Person, room: string) => person.listed(room).locator(".conversation-unread");
const boxes = (person: Person) => person.page.locator("#chat converse-muc");

for (const [screen, viewport] of Object.entries({ phone: { width: 390, height: 844 }, wide: { width: 1440, height: 900 } })) {
  test.describe(screen, () => {
    test.use({ contextOptions: { viewport } });

    test("200 rooms are followed without being opened", async ({ database, visit }) => {
      await manyRooms(database);
      const bob = await visit("bob");
      await bob.signIn();
      const alice = await visit("alice");
      let sent = 0;
      alice.page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => (sent += /<presence[^>]*@conference/.test(String(payload)) ? 1 : 0)));
      await alice.signIn();
      await alice.page.goto("/chat");
      await expect(alice.listed("Room 1")).toBeVisible();

      await bob.page.goto("/chat/room/r7");
      await expect(bob.room("Room 7")).toBeVisible();
      await bob.say("Who waters the roses?");
      await expect(unread(alice, "Room 7")).toHaveText("1");
      await expect(alice.listed("Room 7").locator(".conversation-line")).toHaveText("Bob Baker: Who waters the roses?");
      await expect(alice.page.locator("#conversations a.conversation").first()).toContainText("Room 7");
      await expect(alice.page).toHaveTitle(/^\(1\)/);
      await expect(alice.listed("Room 7").locator(".conversation-mention")).toHaveCount(0);
      await bob.say(`You, ${names.alice}?`);
      await expect(unread(alice, "Room 7")).toHaveText("2");
      await expect(alice.listed("Room 7").locator(".conversation-mention")).toBeVisible();
      expect(sent).toBe(0);
      await expect(boxes(alice)).toHaveCount(0);

      await alice.page.reload(); // the site counts by its archive
      await expect(unread(alice, "Room 7")).toHaveText("2");
      await expect(alice.listed("Room 7").locator(".conversation-mention")).toBeVisible();
      await expect(alice.page).toHaveTitle(/^\(2\)/);

      await alice.listed("Room 7").click();
      await alice.hears("Who waters the roses?");
      await expect(alice.page).toHaveTitle(/^[^(]/);
      await bob.say("You have read it");
      await alice.hears("You have read it");
      await alice.page.goto("/chat");
      await expect(alice.listed("Room 7")).toBeAttached(); // on a phone the room covers it
      await expect(unread(alice, "Room 7")).toHaveCount(0);
    });
  });
}

test("what is read in a room on one device is read on the others, and a room that was left is quiet", async ({ alice, bob, database, visit }) => {
  await database.query("INSERT INTO room_affiliations (room, username, affiliation) VALUES ('lobby', 'bob', 'member') ON CONFLICT DO NOTHING");
  await bob.page.goto("/chat/room/lobby");
  await expect(bob.room("Lobby")).toBeVisible();
  const phone = await visit("alice");
  await phone.signIn();
  await phone.page.goto("/chat");
  await alice.page.goto("/chat");
  await expect(phone.listed("Lobby")).toBeVisible();
  await bob.say("one");
  await expect(unread(alice, "Lobby")).toHaveText("1");
  await expect(unread(phone, "Lobby")).toHaveText("1");
  await phone.listed("Lobby").click();
  await phone.hears("one");
  await expect(unread(alice, "Lobby")).toHaveCount(0);
  await expect(alice.page).toHaveTitle(/^[^(]/);

  await chooseAbove(phone, "Leave");
  await phone.page.getByRole("dialog").getByRole("button", { name: "Leave" }).click();
  await expect(phone.listed("Lobby")).toHaveCount(0);
  await expect(alice.listed("Lobby")).toHaveCount(0);
  await bob.say("two");
  await bob.talkTo("alice");
  await bob.say("did you see it?");
  await expect(alice.page).toHaveTitle(/^\(1\)/);
  await expect(alice.listed("Lobby")).toHaveCount(0);
});
