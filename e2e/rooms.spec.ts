// Rooms: people make them on the home page, meet there, and come back to what
// was said.

import { chooseAbove } from "./support/rooms.ts";
import { enterRoom, expect, joinRoom, makeRoom, names, type Person, test } from "./support/test.ts";

for (const transport of ["websocket", "bosh"] as const) {
  test.describe(`over ${transport}`, () => {
    test.use({ transport });

    test("two people meet in a new room", async ({ alice, bob, database }) => {
      await makeRoom(alice, "Book club");
      await alice.say("Who has read it?");
      await bob.page.reload();
      await bob.ready();
      await enterRoom(bob, "Book club");
      await bob.hears("Who has read it?"); // said before bob came
      await bob.say("Я прочитал 📚");
      await alice.hears("Я прочитал 📚");
      await expect(alice.page.locator("#chat .chat-msg", { hasText: "Я прочитал" })).toContainText(names.bob);

      await alice.page.reload();
      await alice.hears("Я прочитал 📚");
      await alice.say("still here");
      await bob.hears("still here");
      const rows = await database.query("SELECT body FROM archive WHERE owner LIKE 'book-club-%' ORDER BY id");
      expect(rows).toEqual([{ body: "Who has read it?" }, { body: "Я прочитал 📚" }, { body: "still here" }]);
      expect(await alice.page.locator("body").innerText()).not.toContain("@conference"); // nobody sees an address
    });
  });
}

test("pages say who is in a room, as the chat beside them does", async ({ alice, bob }) => {
  await makeRoom(alice, "Book club");
  const row = ({ page }: Person) => page.locator("[data-room-row]").filter({ hasText: "Book club" });
  await expect(alice.page.locator("#chat .head-count")).toHaveText("Only you are here");
  await expect(row(alice)).toContainText("Only you are here"); // the page was made before alice was there
  const visited = await alice.context.request.get("/rooms");
  expect(await visited.text()).toMatch(/Book club[^]*?Only you are here/);
  await bob.page.reload();
  await bob.ready();
  await expect(row(bob)).toContainText("1 person here");
  await enterRoom(bob, "Book club");
  for (const person of [alice, bob]) await expect(row(person)).toContainText("2 people here");
  await chooseAbove(bob, "Leave");
  await bob.page.getByRole("dialog").getByRole("button", { name: "Leave" }).click();
  await expect(row(bob)).toContainText("1 person here");
  await expect(row(alice)).toContainText("Only you are here");
});

// its name stands in the chat of the person who is invited, at the first opening.
test("a room by invitation is seen by those who belong to it", async ({ alice, bob }) => {
  await makeRoom(alice, "Surprise party", "Only people who are invited");
  await alice.page.goto("/");
  await expect(alice.page.getByRole("button", { name: "Open Surprise party" })).toBeVisible();
  await bob.page.reload();
  await bob.ready();
  await expect(bob.page.getByRole("button", { name: "Open Lobby" })).toBeVisible();
  await expect(bob.page.getByRole("button", { name: "Open Surprise party" })).toHaveCount(0);

  await alice.page.getByRole("main").getByRole("link", { name: "Surprise party" }).click();
  await alice.page.getByLabel("Whom to invite").pressSequentially("bob b");
  await alice.page.getByRole("button", { name: `Invite ${names.bob}` }).click();
  await expect(alice.page.getByText("The invitation is on its way.")).toBeVisible();
  await expect(bob.page.getByText(`${names.alice} invites you to a room.`)).toBeVisible();
  await bob.page.locator("#chat-invitation").getByRole("button", { name: "Open" }).click();
  await expect(bob.room("Surprise party")).toBeVisible();
  await enterRoom(alice, "Surprise party");
  await alice.say("You came!");
  await bob.hears("You came!");
});

test("a room needs a name", async ({ alice }) => {
  alice.watch.allow(/422/);
  await alice.page.getByText("New room", { exact: true }).click();
  const name = alice.page.getByLabel("Name", { exact: true });
  await name.evaluate((input: HTMLInputElement) => input.removeAttribute("required"));
  await alice.page.getByRole("button", { name: "Make the room" }).click();
  await expect(alice.page.getByText("Give the room a name.")).toBeVisible();
  await expect(alice.page.getByRole("heading", { name: "Rooms" })).toBeVisible();
});

// nobody knows a room's address, so nobody is asked for it.
test("an owner deletes a room from its menu", async ({ alice, bob }) => {
  await makeRoom(alice, "Book club");
  await joinRoom(bob, "Book club");
  await expect(bob.page.locator("#chat .destroy-chatroom-button")).toHaveCount(0); // not his to delete
  await chooseAbove(alice, "Delete the room");
  const dialog = alice.page.locator(".modal.show");
  await expect(dialog).toContainText("Delete “Book club”?");
  await expect(dialog.locator("input:not([type=button])")).toHaveCount(0);
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await expect(dialog).toHaveCount(0);
  await alice.say("still here");

  await chooseAbove(alice, "Delete the room");
  await dialog.locator("button[type=submit]").click();
  await expect(alice.room("Book club")).toHaveCount(0);
  await expect(bob.page.getByText("This room no longer exists")).toBeVisible();
  await bob.page.goto("/");
  await bob.ready();
  await expect(bob.page.getByRole("button", { name: "Open Lobby" })).toBeVisible();
  await expect(bob.page.getByRole("button", { name: "Open Book club" })).toHaveCount(0);
});

// people have one name everywhere, that of their settings.
test("a new name is the name in rooms, in those that are open and in others", async ({ alice, bob, visit }) => {
  await makeRoom(alice, "Book club");
  await joinRoom(bob, "Book club");
  await alice.say("before");
  const trusted = await visit("alice"); // a browser that keeps what it knows
  await trusted.openSite({ trusted: true });
  await trusted.ready();
  await enterRoom(trusted, "Book club");
  await trusted.hears("before");
  await trusted.page.goto("about:blank");
  await alice.goTo("Settings");
  await alice.page.getByLabel("Your name, as others see it").fill("Alice of the Adlers");
  await alice.page.getByRole("button", { name: "Save profile" }).click();
  await expect(bob.page.locator("#chat .chat-msg", { hasText: "before" })).toContainText("Alice of the Adlers");
  await alice.say("after");
  await expect(bob.page.locator("#chat .chat-msg", { hasText: "after" })).toContainText("Alice of the Adlers");
  await alice.page.goto("/");
  await alice.ready();
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
  await expect(bob.page.locator("#room-panel .room-person").filter({ hasText: "Alice of the Adlers" })).toBeVisible();
  await expect(bob.page.locator("#room-panel .room-person").filter({ hasText: names.alice })).toHaveCount(0);
});

// a room's refusal is said, whatever it is.
for (const [what, error, said] of [
  ["with a reason", `<error type="modify"><jid-malformed xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas">This name has a space too many.</text></error>`, "This name has a space too many."],
  ["without one", `<error type="modify"><jid-malformed xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>`, "You cannot enter this room just now."],
  ["for a while", `<error type="wait"><internal-server-error xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>`, "You cannot enter this room just now."],
] as const) {
  test(`a room that refuses ${what}`, async ({ visit }) => {
    const alice = await visit("alice");
    await alice.context.routeWebSocket(/\/xmpp-websocket/, (page) => {
      const server = page.connectToServer();
      page.onMessage((message) => {
        const [, to] = /^<presence[^>]* to="(lobby@[^"]+)"/.exec(String(message)) ?? [];
        if (to) page.send(`<presence xmlns="jabber:client" type="error" from="${to}" to="alice@localhost">${error}</presence>`);
        else server.send(message);
      });
      server.onMessage((message) => page.send(message));
    });
    await alice.signIn();
    await alice.page.getByRole("button", { name: "Open Lobby" }).click();
    await expect(alice.page.locator("#chat converse-muc")).toContainText(said);
  });
}
