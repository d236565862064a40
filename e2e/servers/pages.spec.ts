import { names, type Person } from "../support/person.ts";
import { enterRoom, makeRoom } from "../support/rooms.ts";
import { expect, test } from "./fixtures.ts";

// The site's pages with another server behind them: what they show works, and what that
// server does not tell the site they do without (docs/SERVERS.md).

test("somebody who was never talked with is known by name and picture", { tag: "@interop" }, async ({ alice, visit }) => {
  const carol = await visit("carol");
  await carol.signIn();
  await carol.goTo("Chat");
  await alice.talkTo("carol");
  await alice.say("I am new to you");
  const listed = carol.listed(names.alice);
  await expect(listed).toBeVisible();
  await expect(listed.locator(".conversation-picture img")).toBeVisible();
});

test("a room by invitation is seen by those who belong to it, until its owner ends it", { tag: "@interop" }, async ({ alice, bob, kind }) => {
  const name = `Surprise for ${kind}`;
  await makeRoom(alice, name, "Only people who are invited");
  await bob.page.goto("/rooms");
  await expect(bob.page.getByRole("heading", { level: 1, name: "Rooms" })).toBeVisible();
  await expect(bob.page.getByRole("button", { name: `Open ${name}` })).toHaveCount(0);

  await alice.page.goto("/rooms");
  await alice.page.getByRole("main").getByRole("link", { name }).click();
  await alice.page.getByRole("searchbox", { name: "Invite", exact: true }).pressSequentially("bob b");
  await alice.page.getByRole("button", { name: `Invite ${names.bob}` }).click();
  await expect(alice.page.getByText("The invitation has been sent.")).toBeVisible();
  await expect(bob.page.getByText(`${names.alice} invites you to “${name}”.`)).toBeVisible();
  await bob.page.locator("#chat-invitation").getByRole("button", { name: "Open" }).click();
  await expect(bob.room(name)).toBeVisible();
  await enterRoom(alice, name);
  await alice.say("You came!");
  await bob.hears("You came!");

  await bob.page.goto("/rooms");
  await bob.page.getByRole("main").getByRole("link", { name }).click();
  await expect(bob.page.getByRole("main").getByText("by invitation only")).toBeVisible();
  await expect(bob.page.getByText("Delete this room")).toHaveCount(0);

  await alice.page.goto("/rooms");
  await alice.page.getByRole("main").getByRole("link", { name }).click();
  await alice.page.getByText(`Delete ${name} …`).click();
  await alice.page.getByRole("button", { name: `Delete ${name} for good` }).click();
  await expect(alice.page.getByRole("heading", { level: 1, name: "Rooms" })).toBeVisible();
  await expect(alice.page.getByRole("main").getByRole("link", { name })).toHaveCount(0);
  bob.watch.allow(/\b404\b/);
  await bob.page.reload();
  await expect(bob.page.getByText("There is no such room, or it is not open to you.")).toBeVisible();
});

test("pages show nothing that they do not know", { tag: "@any" }, async ({ browser, alice }) => {
  await alice.page.goto("/people");
  await expect(alice.messageButton("bob")).toBeVisible();
  await expect(alice.page.getByRole("button", { name: /Add contact|to be your contact/ })).toHaveCount(0);
  await alice.page.goto("/settings");
  await expect(alice.page.getByRole("heading", { name: "Profile" })).toBeVisible();
  await expect(alice.page.getByRole("heading", { name: "Files" })).toHaveCount(0);
  // Without a script nobody has said who is around.
  const plain = await browser.newContext({ javaScriptEnabled: false, storageState: await alice.context.storageState() });
  const page = await plain.newPage();
  await page.goto(alice.page.url().replace("/settings", "/people"));
  await expect(page.locator(".person").filter({ hasText: names.bob })).toBeVisible();
  await expect(page.locator(".person").getByText(/^(Around|Away)$/)).toHaveCount(0);
  await expect(page.locator(".person .dot:visible")).toHaveCount(0);
  await plain.close();
});

test("the search finds people and rooms, and says of no message that it is not there", { tag: "@interop" }, async ({ alice, kind }) => {
  const room = `Greenhouse of ${kind}`;
  await makeRoom(alice, room);
  await alice.say("the tomatoes are ripe");
  await alice.page.keyboard.press("Control+k");
  const dialog = alice.page.getByRole("dialog", { name: "Search" });
  const found = dialog.locator(".search-option");
  await expect(dialog.locator("#search-filters")).toBeHidden(); // there are no messages to choose among
  const words = dialog.getByRole("combobox", { name: "Search people and rooms" });
  for (const [typed, what] of [["baker", /Bob Baker/], ["greenhouse", /Greenhouse of /]] as const) {
    await words.fill(typed);
    await expect(found).toHaveText([what]); // not those who are offered before anything is typed
  }
  await words.fill("tomatoes");
  await expect(dialog.getByRole("status")).toHaveText("Nothing found.");
  await expect(found).toHaveCount(0);
});

test("a room in a page of the site opens beside it for members; what is said there is not in the page", { tag: "@interop" }, async ({ alice, bob, visit, kind }) => {
  const part = (person: Person) => person.page.locator(".discussion");
  const join = part(alice).getByRole("button", { name: "Join in: Lobby" });
  await expect(async () => {
    await alice.page.goto("/articles/garden"); // the site makes the room once alice has come into the chat
    await expect(join).toBeVisible({ timeout: 5000 });
  }).toPass();
  await join.click();
  await expect(alice.room("Lobby")).toBeVisible();
  const secret = `compost for ${kind}`;
  await alice.say(secret);
  await bob.page.goto("/articles/garden");
  await part(bob).getByRole("button", { name: "Join in: Lobby" }).click();
  await bob.hears(secret);
  await expect(part(bob)).not.toContainText("compost");

  const { page } = await visit("dave"); // who does not sign in
  await page.goto("/articles/garden");
  const discussion = page.locator(".discussion");
  await expect(discussion).toContainText("This discussion is for members.");
  await expect(discussion.getByRole("button", { name: "Sign in to join in" })).toBeVisible();
  await expect(discussion).not.toContainText(/Lobby|compost/);
});

// where people are contacts only once they have said yes, that is asked and said in a conversation.
test.describe("with contacts by request", () => {
  test.use({ settings: { ROSTER: "none" } });

  test("no page asks anybody to be a contact, and in the chat one asks and the other approves", { tag: "@interop" }, async ({ bob, visit }) => {
    const carol = await visit("carol");
    await carol.signIn();
    await bob.page.goto("/people");
    await expect(bob.messageButton("carol")).toBeVisible();
    await expect(bob.page.getByRole("button", { name: /Add contact|to be your contact/ })).toHaveCount(0);
    await bob.page.goto("/chat/with/carol");
    await carol.page.goto("/chat/with/bob");
    const question = bob.page.getByText(`Would you like to add ${names.carol} as a contact?`);
    await question.locator("..").getByRole("button", { name: "Add" }).click();
    await expect(question).toHaveCount(0);
    const request = carol.page.getByText(`${names.bob} would like to be your contact`);
    await expect(request).toBeVisible();
    await carol.page.getByRole("button", { name: "Approve" }).click();
    await expect(request).toHaveCount(0);
    for (const [person, other] of [[bob, "carol"], [carol, "bob"]] as const) {
      await person.goTo("Home");
      await expect(person.around(other)).toHaveText("Around");
    }
  });
});
