import { expect, makeRoom, names, test } from "./support/test.ts";
import { Visitor } from "./support/visitor.ts";

// A site that is too large for rosters of everybody: what its pages show of people
// does not come from the roster.
test.describe("on a large site", () => {
  test.use({ settings: { ROSTER_MAX: "1" } });

  test("people are found by typing, seen coming and going, and known after a first message", async ({ alice, visit }) => {
    await expect(alice.around("carol")).toHaveText("Away");
    const carol = await visit("carol");
    await carol.signIn();
    await expect(alice.around("carol")).toHaveText("Around"); // she is on no roster of alice's

    // people only, and it is said when there is nobody.
    await alice.page.getByRole("link", { name: "People" }).click();
    const find = alice.page.getByLabel("Find a person");
    await find.pressSequentially("car");
    await expect(alice.messageButton("carol")).toBeVisible();
    await expect(alice.messageButton("bob")).toHaveCount(0);
    await expect(alice.around("carol")).toHaveText("Around");
    await find.fill("nobody at all");
    await expect(alice.page.getByText("Nobody has that name.").last()).toBeVisible();
    await find.fill("");
    await expect(alice.messageButton("bob")).toBeVisible();
    await expect(find).toBeFocused();

    await carol.signOut();
    await expect(alice.around("carol")).toHaveText("Away");

    // strangers know each other by name and presence from then on.
    const bob = carol.become("bob");
    await bob.signIn();
    await alice.talkTo("bob");
    await alice.say("Have we met?");
    await bob.page.locator("#chat-toggle").click();
    await bob.talkTo("alice");
    await bob.hears("Have we met?");
    await expect(bob.page.locator("#chat .chatbox-title").filter({ hasText: names.alice })).toBeVisible();
    expect(await bob.page.locator("body").innerText()).not.toContain("alice@");
  });
});

// an owner ends a room on its page.
test("the owner of a room deletes it", async ({ alice, site }) => {
  const bob = await Visitor.arrive(site, "bob");
  await makeRoom(alice, "Book club");
  expect((await bob.get("/rooms")).body).toContain("Book club");
  await alice.goTo("Rooms");
  await alice.page.getByRole("main").getByRole("link", { name: "Book club" }).click();
  await alice.page.getByText("Delete Book club …").click();
  await alice.page.getByRole("button", { name: "Delete Book club for good" }).click();
  await expect(alice.page.getByText("The room has been deleted.")).toBeVisible();
  await expect(alice.page.getByRole("main").getByRole("link", { name: "Book club" })).toHaveCount(0);
  const { body } = await bob.get("/rooms");
  expect(body).toContain("Lobby");
  expect(body).not.toContain("Book club");
});

// a link on another site opens no room, whether it names one to the site or to Converse,
// in a new page or the open one.
test("a room's name in the address, and an address of Converse's own, do nothing", async ({ alice, database }) => {
  const chat = alice.page.locator("#chat");
  await alice.page.goto("/?room=evil-1");
  await alice.ready();
  await expect(alice.page.getByRole("button", { name: "Open Lobby" })).toBeVisible();
  await expect(chat.locator("converse-muc")).toHaveCount(0);
  for (const name of ["evil-2", "evil-3"]) {
    await alice.page.goto(`/#converse/room?jid=${name}@conference.localhost`);
    await alice.ready();
    await expect(alice.page).not.toHaveURL(/#/);
  }
  await alice.page.evaluate(() => { location.hash = "#converse/chat?jid=stranger@localhost"; });
  await expect(alice.page).not.toHaveURL(/#/);
  await alice.page.getByRole("button", { name: "Open Lobby" }).click();
  await expect(chat.locator("converse-muc")).toHaveCount(1);
  await expect(chat.locator("converse-chat")).toHaveCount(0);
  expect(await database.query("SELECT name FROM rooms WHERE name LIKE 'evil%'")).toEqual([]);
});

// contacts by request.
test.describe("with contacts by request", () => {
  test.use({ settings: { ROSTER: "none" } });

  test("one asks from the page, the other accepts there", async ({ visit }) => {
    const [alice, bob] = [await visit("alice"), await visit("bob")];
    for (const person of [alice, bob]) await person.openSite();
    await expect(alice.around("bob")).toHaveCount(0);
    await alice.page.getByRole("button", { name: `Ask ${names.bob} to be your contact` }).click();
    await expect(alice.page.getByText("Your request has been sent.")).toBeVisible();
    await bob.page.reload();
    await bob.page.getByRole("button", { name: `Accept ${names.alice}` }).click();
    await expect(bob.page.getByText("You are contacts now.")).toBeVisible();
    await alice.page.reload();
    await expect(alice.around("bob")).toHaveText("Around");
    await expect(alice.messageButton("bob")).toBeVisible();
  });
});
