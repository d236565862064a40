// The rooms one belongs to, which nobody has opened in this browser: what is said there is
// counted, a mention is marked, and reading it on one device reads it on the others.

import { enterRoom, expect, makeRoom, names, type Person, screens, test, type User } from "./support/test.ts";
import { correct, retract } from "./support/messages.ts";
import { chooseAbove } from "./support/rooms.ts";
import { send } from "./support/stream.ts";
import type { Database } from "./support/cluster.ts";

const ROOMS = 200;

/** Rooms that belong to bob, with alice in them. */
async function manyRooms(database: Database): Promise<void> {
  await database.query(`INSERT INTO rooms (name, creator, title, persistent, public, members_only, moderated, non_anonymous, change_subject, invites, private, archive, max_occupants)
    SELECT 'r' || n, 'bob', 'Room ' || n, true, true, true, false, false, true, true, 'anyone', true, 100 FROM generate_series(1, ${ROOMS}) n`);
  await database.query(`INSERT INTO room_affiliations (room, username, affiliation) SELECT 'r' || n, 'bob', 'owner' FROM generate_series(1, ${ROOMS}) n`);
  await database.query(`INSERT INTO room_affiliations (room, username, affiliation) SELECT 'r' || n, 'alice', 'member' FROM generate_series(1, ${ROOMS}) n`);
}

/** What an owner's app sends so that the room has no archive any more (XEP-0045 §10.2). */
const keepNothing = (jid: string) =>
  `<iq xmlns="jabber:client" type="set" id="settings" to="${jid}"><query xmlns="http://jabber.org/protocol/muc#owner"><x xmlns="jabber:x:data" type="submit">` +
  `<field var="FORM_TYPE"><value>http://jabber.org/protocol/muc#roomconfig</value></field><field var="muc#roomconfig_enablearchiving"><value>0</value></field></x></query></iq>`;

const unread = (person: Person, room: string) => person.listed(room).locator(".conversation-unread");
const boxes = (person: Person) => person.page.locator("#chat converse-muc");

test("a room that was opened before is followed, and not entered, until it is opened again", async ({ alice, bob, database }) => {
  await database.query("INSERT INTO room_affiliations (room, username, affiliation) VALUES ('lobby', 'alice', 'member') ON CONFLICT DO NOTHING");
  await enterRoom(bob, "Lobby");
  await makeRoom(alice, "Cellar");
  await alice.say("It is dark here");
  await enterRoom(alice, "Lobby");
  await alice.say("I was here");
  await alice.talkTo("bob");
  await expect(alice.page.locator("#chat converse-chat")).toBeVisible();
  await alice.say("Are you there?");
  await expect(bob.listed(names.alice).locator(".conversation-line")).toHaveText("Are you there?"); // by then the browser has kept which conversation is open
  await alice.page.goto("about:blank"); // and her stream ends
  const again = await alice.newTab();
  const entered: string[] = [];
  again.page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => entered.push(...(/<presence[^>]* to="(\w+)[^"]*@/.exec(String(payload)) ?? []).slice(1))));
  await again.page.goto("/chat");
  const line = again.listed("Lobby").locator(".conversation-line");
  await expect(line).toHaveText("You: I was here");
  await expect(again.listed("Cellar").locator(".conversation-line")).toHaveText("You: It is dark here");
  await bob.hears("I was here");
  await bob.say("How was it, Alicia?");
  await expect(unread(again, "Lobby")).toHaveText("1");
  await expect(again.listed("Lobby").locator(".conversation-mention")).toHaveCount(0);
  await correct(bob, "How was it, Alicia?", `How was it, ${names.alice}?`);
  await expect(line).toHaveText(`Bob Baker: How was it, ${names.alice}?`);
  await bob.say(`Tell us, ${names.alice}`);
  await expect(unread(again, "Lobby")).toHaveText("2");
  await expect(again.listed("Lobby").locator(".conversation-mention")).toBeVisible();
  await retract(bob, `Tell us, ${names.alice}`);
  await expect(line).toHaveText("Bob Baker: Deleted message");
  await expect(unread(again, "Lobby")).toHaveText("1");
  await expect(again.page).toHaveTitle(/^\(1\)/);
  expect(entered).toEqual([]);
  await send(again, [keepNothing((await again.listed("Cellar").getAttribute("data-jid"))!)]);
  await expect.poll(() => entered).toEqual(["cellar"]); // of what is said there she would be told no more
  await again.listed("Lobby").click();
  await again.hears("How was it, Alice Adler?");
  await expect(unread(again, "Lobby")).toHaveCount(0);
  await expect(again.page).toHaveTitle(/^[^(]/);
  await again.say("As ever");
  await bob.hears("As ever");
});

test("200 rooms are followed without being opened; what is read on one device is read on the others, and a room that was left is quiet", async ({ database, visit }) => {
  await manyRooms(database);
  const [alice, bob] = [await visit("alice"), await visit("bob")];
  await bob.signIn();
  let sent = 0;
  alice.page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => (sent += /<presence[^>]*@conference/.test(String(payload)) ? 1 : 0)));
  await alice.page.setViewportSize(screens.phone);
  await alice.signIn();
  await alice.page.goto("/chat");
  await expect(alice.listed("Room 1")).toBeVisible();

  await test.step("what is said is counted, and a mention marked", async () => {
    await bob.page.goto("/chat/room/r7");
    await expect(bob.room("Room 7")).toBeVisible();
    await bob.say("Who waters the roses?");
    await expect(unread(alice, "Room 7")).toHaveText("1");
    await expect(alice.listed("Room 7").locator(".conversation-line")).toHaveText("Bob Baker: Who waters the roses?");
    await expect(alice.page.locator("#conversations a.conversation").first()).toContainText("Room 7");
    await expect(alice.page).toHaveTitle(/^\(1\)/);
    await expect(alice.listed("Room 7").locator(".conversation-mention")).toHaveCount(0);
    const offers = bob.page.getByRole("listbox", { name: "Suggestions" }).getByRole("option");
    let tell = () => {};
    const asked = new Promise<void>((resolve) => (tell = resolve));
    await bob.page.route(/\/xmpp\/rooms\/[^/]+\/people/, async (route) => route.continue(await asked.then(() => ({})))); // comes when all is typed
    await bob.input().pressSequentially("You, @adl"); // who belongs to the room, and is not in it
    await expect(offers).toHaveCount(0);
    tell();
    await expect(offers).toHaveText([names.alice]);
    await bob.page.keyboard.press("Enter");
    await expect(bob.input()).toHaveValue(`You, @${names.alice} `);
    await bob.page.keyboard.press("Enter");
    await expect(bob.page.locator("#chat .chat-msg__text .mention")).toHaveText([names.alice]);
    await expect(unread(alice, "Room 7")).toHaveText("2");
    await expect(alice.listed("Room 7").locator(".conversation-mention")).toBeVisible();
    expect(sent).toBe(0);
    await expect(boxes(alice)).toHaveCount(0);
  });

  await test.step("after a reload as well, until it is read", async () => {
    await alice.page.setViewportSize(screens.wide);
    await alice.page.reload(); // the site counts by its archive
    await expect(unread(alice, "Room 7")).toHaveText("2");
    await expect(alice.listed("Room 7").locator(".conversation-mention")).toBeVisible();
    await expect(alice.page).toHaveTitle(/^\(2\)/);
    await expect(boxes(alice)).toHaveCount(0);

    await alice.page.setViewportSize(screens.phone);
    await alice.listed("Room 7").click();
    await alice.hears("Who waters the roses?");
    await expect(alice.page).toHaveTitle(/^[^(]/);
    await bob.say("You have read it");
    await alice.hears("You have read it");
    await alice.page.goto("/chat");
    await expect(alice.listed("Room 7")).toBeAttached(); // the room covers it
    await expect(unread(alice, "Room 7")).toHaveCount(0);
  });

  await test.step("on two devices", () => onTwoDevices(alice, bob, visit));
});

async function onTwoDevices(alice: Person, bob: Person, visit: (user: User) => Promise<Person>): Promise<void> {
  const tablet = await visit("alice");
  await tablet.signIn();
  await tablet.goTo("Chat");
  await expect(tablet.listed("Room 1")).toBeVisible();
  await bob.page.goto("/chat/room/r8");
  await expect(bob.room("Room 8")).toBeVisible();
  await bob.say("one");
  await expect(unread(alice, "Room 8")).toHaveText("1");
  await expect(unread(tablet, "Room 8")).toHaveText("1");
  await expect(alice.page).toHaveTitle(/^\(1\)/);
  await tablet.listed("Room 8").click();
  await tablet.hears("one");
  await expect(unread(alice, "Room 8")).toHaveCount(0);
  await expect(alice.page).toHaveTitle(/^[^(]/);

  await chooseAbove(tablet, "Leave");
  await tablet.page.getByRole("dialog").getByRole("button", { name: "Leave" }).click();
  await expect(tablet.listed("Room 8")).toHaveCount(0);
  await expect(alice.listed("Room 8")).toHaveCount(0);
  await bob.say("two");
  await bob.talkTo("alice");
  await bob.say("did you see it?");
  await expect(alice.page).toHaveTitle(/^\(1\)/);
  await expect(alice.listed("Room 8")).toHaveCount(0);
}
