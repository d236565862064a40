// Rooms that are no more, or that one is not in any more: nobody comes back without asking to.

import { chooseAbove, member, question } from "./support/rooms.ts";
import { send } from "./support/stream.ts";
import type { Database } from "./support/cluster.ts";
import { expect, joinRoom, makeRoom, names, type Person, screens, test } from "./support/test.ts";

const rooms = (database: Database, name: string) => database.query(`SELECT name FROM rooms WHERE name LIKE '${name}%'`);

/** The rooms that a page asks to enter from now on, by the names of their addresses without what makes them unlike others. */
function entering(person: Person): string[] {
  const asked: string[] = [];
  person.page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => asked.push(...(/<presence[^>]* to="([a-z]+)[^"]*@conference(?![^>]*unavailable)/.exec(String(payload)) ?? []).slice(1))));
  return asked;
}

/** Looks at another tab, and back. */
const lookAway = (person: Person) => person.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));

/** Something of somebody's gets to the server: what was sent before it did so, too. */
async function reachServer(person: Person, database: Database): Promise<void> {
  const text = `Dave? ${Date.now()}`;
  await person.talkTo("dave");
  await person.say(text);
  await expect.poll(() => database.archived("dave")).toContain(text);
}

test("a room that was deleted is not made again by who had it open", async ({ alice, bob, visit, database }) => {
  const carol = await visit("carol");
  await makeRoom(alice, "Shed");
  await joinRoom(bob, "Shed");
  await carol.signIn();
  await joinRoom(carol, "Shed");
  await carol.talkTo("bob");
  await carol.say("A fine shed");
  await expect(bob.listed(names.carol).locator(".conversation-line")).toHaveText("A fine shed"); // by then the browser has kept which conversation is open
  await carol.page.goto("about:blank"); // and her stream ends
  const again = await carol.newTab();
  const entered = entering(again);
  await again.page.goto("/chat");
  await expect(again.listed("Shed")).toBeVisible();
  const second = await alice.newTab();
  await second.page.goto("/chat");
  await second.listed("Shed").click();
  await expect(second.room("Shed")).toBeVisible();

  await chooseAbove(alice, "Delete the room");
  await question(alice).locator("button[type=submit]").click();
  await expect(alice.room("Shed")).toHaveCount(0);
  const gone = (person: Person) => expect(person.page.getByText("This room no longer exists")).toBeVisible();
  for (const person of [bob, second]) {
    await gone(person);
    const asked = entering(person);
    await lookAway(person);
    await gone(person);
    if (person === bob) await person.page.reload(); // hers is the room's own page, and gone as well
    await person.ready();
    await gone(person);
    await lookAway(person);
    await gone(person);
    await reachServer(person, database);
    expect(asked).toEqual([]);
  }
  await again.goTo("Home"); // the site is asked for her conversations
  await again.goTo("Chat");
  await expect(again.listed("Shed")).toHaveCount(0);
  await reachServer(again, database);
  expect(entered).toEqual([]);
  expect(await rooms(database, "shed")).toEqual([]);
});

test("a room that was left on the phone is left on the laptop that was closed meanwhile", async ({ alice, bob, visit, database }) => {
  const phone = await visit("alice");
  await phone.page.setViewportSize(screens.phone);
  const kept = () => database.query("SELECT convert_from(payload, 'UTF8') LIKE '%autojoin=\"true\"%' AS autojoin FROM pubsub_items WHERE username = 'alice' AND node = 'urn:xmpp:bookmarks:1' AND id LIKE 'attic-%'");
  await makeRoom(bob, "Attic");
  await joinRoom(alice, "Attic");
  await expect.poll(kept).toEqual([{ autojoin: true }]);
  await expect(alice.listed("Attic")).toBeAttached();
  await alice.talkTo("bob");
  await alice.say("Dusty up there");
  await bob.page.goto("/chat");
  await expect(bob.listed(names.alice).locator(".conversation-line")).toHaveText("Dusty up there");
  await alice.page.goto("/chat"); // the list has it, and the browser knows that it had
  await expect(alice.listed("Attic")).toBeVisible();
  await alice.ready();
  await alice.page.goto("about:blank");

  await phone.openSite();
  await phone.page.goto("/chat");
  await phone.listed("Attic").click();
  await expect(phone.room("Attic")).toBeVisible();
  await chooseAbove(phone, "Leave");
  await phone.page.getByRole("dialog").getByRole("button", { name: "Leave" }).click();
  await expect(phone.listed("Attic")).toHaveCount(0);
  await expect.poll(kept).toEqual([{ autojoin: false }]);

  const laptop = await alice.newTab();
  const entered = entering(laptop);
  await laptop.page.goto("/chat");
  await laptop.ready();
  await expect(laptop.listed("Attic")).toHaveCount(0);
  await reachServer(laptop, database);
  await reachServer(laptop, database);
  expect(entered).toEqual([]);
  await expect(laptop.listed("Attic")).toHaveCount(0);
  await expect(phone.listed("Attic")).toHaveCount(0);
  expect(await kept()).toEqual([{ autojoin: false }]);
});

test("who was removed from a room comes back when they ask to, and not by looking at another tab", async ({ alice, bob, site }) => {
  await makeRoom(alice, "Barn");
  await joinRoom(bob, "Barn");
  await bob.say("Moo");
  await alice.page.getByRole("button", { name: "Members", exact: true }).click();
  await expect(member(alice, names.bob).locator(".room-person__line")).toHaveText(""); // in an open room nobody is a guest
  const room = await alice.page.locator("#chat converse-muc:visible").getAttribute("jid");
  await send(alice, [
    `<presence xmlns="jabber:client" to="${room}/${alice.name}"><x xmlns="http://jabber.org/protocol/muc"/></presence>`,
    `<iq xmlns="jabber:client" to="${room}" type="set" id="out"><query xmlns="http://jabber.org/protocol/muc#admin"><item nick="${bob.name}" role="none"/></query></iq>`,
  ]);
  const outside = bob.page.locator("#chat converse-muc-disconnected");
  await expect(outside).toContainText("You have been removed from this room");
  const heard = async (text: string) => {
    await alice.insist(text);
    await expect(bob.listed(names.alice).locator(".conversation-line")).toHaveText(text);
    await expect(outside).toContainText("You have been removed from this room");
  };
  await alice.talkTo("bob");
  await lookAway(bob);
  await heard("Bob?");
  await lookAway(bob);
  await heard("Are you there?");

  for (const { watch } of [alice, bob]) watch.allowOutage();
  await site.kill(); // and a stream begins
  await site.start();
  await heard("And now?");
  await lookAway(bob);
  await heard("Or now?");
  await bob.page.getByRole("button", { name: "Open Barn" }).click();
  await bob.hears("Moo");
  await expect(outside).toHaveCount(0);
  await expect(bob.input()).toBeVisible();
  await bob.say("I am back");
});
