// Rooms: people make them on the home page, meet there, come back to what was
// said, and find them on every device.

import { chooseAbove, panel } from "./support/rooms.ts";
import type { Database } from "./support/cluster.ts";
import { enterRoom, expect, makeRoom, names, type Person, test } from "./support/test.ts";

const row = ({ page }: Person) => page.locator("[data-room-row]").filter({ hasText: "Book club" });

// Alice's stanzas come and go over WebSocket, and Bob's over BOSH.
test("two people meet in a new room, and pages say who is there; its owner deletes it", async ({ visit, database }) => {
  const [alice, bob] = [await visit("alice"), await visit("bob", { transport: "bosh" })];
  await alice.signIn();
  await test.step("a room needs a name", () => nameless(alice));

  await makeRoom(alice, "Book club");
  await alice.say("Who has read it?");
  await expect(alice.page.locator("#chat .head-count")).toHaveText("Only you are here");
  await expect(row(alice)).toContainText("Only you are here"); // the page was made before alice was there
  const visited = await alice.context.request.get("/rooms");
  expect(await visited.text()).toMatch(/Book club[^]*?Only you are here/);
  await bob.signIn();
  await expect(row(bob)).toContainText("1 person here");

  await test.step("they meet", () => meeting(alice, bob, database));
  await test.step("a room by invitation is seen by those who belong to it", () => invitation(alice, bob));
  await test.step("an owner deletes a room from its menu", () => deletion(alice, bob));
});

async function nameless(alice: Person): Promise<void> {
  alice.watch.allow(/422/);
  await alice.page.getByText("New room", { exact: true }).click();
  const name = alice.page.getByLabel("Name", { exact: true });
  await name.evaluate((input: HTMLInputElement) => input.removeAttribute("required"));
  await alice.page.getByRole("button", { name: "Make the room" }).click();
  await expect(alice.page.getByText("Give the room a name.")).toBeVisible();
  await expect(alice.page.getByRole("heading", { name: "Rooms" })).toBeVisible();
  await alice.goTo("Home");
}

async function meeting(alice: Person, bob: Person, database: Database): Promise<void> {
  await enterRoom(bob, "Book club");
  await bob.hears("Who has read it?"); // said before bob came
  for (const person of [alice, bob]) await expect(row(person)).toContainText("2 people here");
  await bob.say("Я прочитал 📚");
  await alice.hears("Я прочитал 📚");
  await expect(alice.page.locator("#chat .chat-msg", { hasText: "Я прочитал" })).toContainText(names.bob);

  for (const person of [alice, bob]) {
    await person.page.reload();
    await person.hears("Я прочитал 📚");
  }
  await alice.say("still here");
  await bob.hears("still here");
  const rows = await database.query("SELECT body FROM archive WHERE owner LIKE 'book-club-%' ORDER BY id");
  expect(rows).toEqual([{ body: "Who has read it?" }, { body: "Я прочитал 📚" }, { body: "still here" }]);
  expect(await alice.page.locator("body").innerText()).not.toContain("@conference"); // nobody sees an address

  await chooseAbove(bob, "Leave");
  await bob.page.getByRole("dialog").getByRole("button", { name: "Leave" }).click();
  await expect(row(bob)).toContainText("1 person here");
  await expect(row(alice)).toContainText("Only you are here");
}

// its name stands in the chat of the person who is invited within a second, at the first opening.
async function invitation(alice: Person, bob: Person): Promise<void> {
  await alice.goTo("Home");
  await makeRoom(alice, "Surprise party", "Only people who are invited");
  await alice.goTo("Home");
  await expect(alice.page.getByRole("button", { name: "Open Surprise party" })).toBeVisible();
  await bob.goTo("Home");
  await expect(bob.page.getByRole("button", { name: "Open Lobby" })).toBeVisible();
  await expect(bob.page.getByRole("button", { name: "Open Surprise party" })).toHaveCount(0);

  await alice.page.getByRole("main").getByRole("link", { name: "Surprise party" }).click();
  await alice.page.getByRole("searchbox", { name: "Invite", exact: true }).pressSequentially("bob b");
  await alice.page.getByRole("button", { name: `Invite ${names.bob}` }).click();
  await expect(alice.page.getByText("The invitation has been sent.")).toBeVisible();
  await expect(bob.page.getByText(`${names.alice} invites you to “Surprise party”.`)).toBeVisible();
  await bob.page.locator("#chat-invitation").getByRole("button", { name: "Open" }).click();
  await expect(bob.room("Surprise party")).toBeVisible({ timeout: 6_000 }); // a second, and what the race detector and the tests beside this one take
  await alice.say("You came!");
  await bob.hears("You came!");
}

// nobody knows a room's address, so nobody is asked for it.
async function deletion(alice: Person, bob: Person): Promise<void> {
  await expect(bob.page.locator("#chat .destroy-chatroom-button")).toHaveCount(0); // not his to delete
  await bob.goTo("Home");
  await expect(bob.page.getByRole("button", { name: "Open Surprise party" })).toBeVisible();
  await chooseAbove(alice, "Delete the room");
  const dialog = alice.page.locator(".modal.show");
  await expect(dialog).toContainText("Delete “Surprise party”?");
  await expect(dialog.locator("input:not([type=button])")).toHaveCount(0);
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await expect(dialog).toHaveCount(0);
  await alice.say("not yet");

  await chooseAbove(alice, "Delete the room");
  await dialog.locator("button[type=submit]").click();
  await expect(alice.room("Surprise party")).toHaveCount(0);
  await expect(bob.page.getByText("This room no longer exists")).toBeVisible();
  await bob.page.goto("/");
  await bob.ready();
  await expect(bob.page.getByRole("button", { name: "Open Lobby" })).toBeVisible();
  await expect(bob.page.getByRole("button", { name: "Open Surprise party" })).toHaveCount(0);
}

// people have one name everywhere, that of their settings. S-73: a room is there on another device.
test("a room is there on every device, and a new name is the name in rooms, in those that are open and in others", async ({ visit, database }) => {
  const [alice, bob, trusted] = [await visit("alice"), await visit("bob"), await visit("alice")];
  await alice.signIn();
  await makeRoom(alice, "Book club");
  await expect
    .poll(() => database.query("SELECT username, convert_from(payload, 'UTF8') LIKE '%autojoin=\"true\"%' AS autojoin FROM pubsub_items WHERE node = 'urn:xmpp:bookmarks:1' AND id LIKE 'book-club-%'"))
    .toEqual([{ username: "alice", autojoin: true }]);
  await alice.say("before");
  await bob.signIn();
  await enterRoom(bob, "Book club");
  await bob.hears("before");
  await trusted.openSite({ trusted: true }); // a browser that keeps what it knows
  await trusted.ready();
  await expect(trusted.page.locator("#chat").getByText("Book club").first()).toBeAttached();
  await enterRoom(trusted, "Book club");
  await trusted.hears("before");
  await trusted.page.goto("about:blank");

  await alice.goTo("Settings");
  await alice.page.getByLabel("Your name, as others see it").fill("Alice of the Adlers");
  await alice.page.getByRole("button", { name: "Save profile" }).click();
  await expect(bob.page.locator("#chat .chat-msg", { hasText: "before" })).toContainText("Alice of the Adlers");
  await alice.say("after");
  await expect(bob.page.locator("#chat .chat-msg", { hasText: "after" })).toContainText("Alice of the Adlers");
  await alice.goTo("Home");
  await makeRoom(alice, "Cooking");
  await alice.say("a new room");
  await expect(alice.page.locator("#chat .chat-msg", { hasText: "a new room" })).toContainText("Alice of the Adlers");

  const elsewhere = await visit("alice"); // another browser, which finds the bookmark of the room
  await elsewhere.openSite({ as: "Alice of the Adlers" });
  await trusted.page.goto("/");
  for (const [person, text] of [[elsewhere, "from elsewhere"], [trusted, "from a trusted device"]] as const) {
    await person.ready();
    await enterRoom(person, "Book club");
    await person.say(text);
    await expect(bob.page.locator("#chat .chat-msg", { hasText: text })).toHaveAttribute("data-from", /\/Alice of the Adlers$/);
  }
  await enterRoom(trusted, "Cooking");
  await trusted.say("a room it did not know");
  await expect(alice.page.locator("#chat .chat-msg", { hasText: "a room it did not know" })).toHaveAttribute("data-from", /\/Alice of the Adlers$/);
  await bob.page.getByRole("button", { name: "Members", exact: true }).click();
  await expect(panel(bob).locator(".room-person").filter({ hasText: "Alice of the Adlers" })).toBeVisible();
  await expect(panel(bob).locator(".room-person").filter({ hasText: names.alice })).toHaveCount(0);
});

/** Rooms by their names, how each refuses everybody, and what is said then. */
const refusals: Record<string, [error: string, said: string]> = {
  Attic: [`<error type="modify"><jid-malformed xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas">This name has a space too many.</text></error>`, "This name has a space too many."],
  Cellar: [`<error type="modify"><jid-malformed xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>`, "You cannot enter this room right now."],
  Garage: [`<error type="wait"><internal-server-error xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>`, "You cannot enter this room right now."],
};

//
test("a room's refusal is said, with a reason, without one, and for a while", async ({ visit, database }) => {
  for (const name of Object.keys(refusals)) {
    await database.query(`INSERT INTO rooms (name, creator, title, persistent, public, members_only, moderated, non_anonymous, change_subject, invites, private, archive, max_occupants)
      VALUES ('${name.toLowerCase()}', 'bob', '${name}', true, true, false, false, false, true, true, 'anyone', true, 100)`);
  }
  const alice = await visit("alice");
  await alice.context.routeWebSocket(/\/xmpp-websocket/, (page) => {
    const server = page.connectToServer();
    // The room is asked without a name, and its answer is replaced: who counts stanzas (XEP-0198) counts the same.
    page.onMessage((message) => server.send(String(message).replace(/^(<presence[^>]* to="(?:attic|cellar|garage)@[^"/]+)\/[^"]*"/, '$1"')));
    server.onMessage((message) => {
      const [, name] = /^<presence(?=[^>]* type="error")[^>]* from="(attic|cellar|garage)@/.exec(String(message)) ?? [];
      const [error] = refusals[`${name?.[0]?.toUpperCase()}${name?.slice(1)}`] ?? [];
      page.send(error ? `<presence xmlns="jabber:client" type="error" from="${name}@conference.localhost" to="alice@localhost">${error}</presence>` : message);
    });
  });
  await alice.signIn();
  for (const [name, [, said]] of Object.entries(refusals)) {
    await alice.page.getByRole("button", { name: `Open ${name}` }).click();
    await expect(alice.page.locator("#chat converse-muc", { hasText: name })).toContainText(said);
  }
});
