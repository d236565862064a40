// Rooms: people make them on the home page, meet there, and come back to what
// was said.

import { enterRoom, expect, makeRoom, names, test } from "./support/test.ts";

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

test("a room by invitation is seen by those who belong to it", async ({ alice, bob }) => {
  await makeRoom(alice, "Surprise party", "Whoever is invited");
  await alice.page.goto("/");
  await expect(alice.page.getByRole("button", { name: "Open Surprise party" })).toBeVisible();
  await bob.page.reload();
  await bob.ready();
  await expect(bob.page.getByRole("button", { name: "Open Lobby" })).toBeVisible();
  await expect(bob.page.getByRole("button", { name: "Open Surprise party" })).toHaveCount(0);

  await alice.page.getByLabel("Invite somebody to Surprise party").click();
  await alice.page.getByLabel("Whom to invite").selectOption(names.bob);
  await alice.page.getByRole("button", { name: "Invite", exact: true }).click();
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
