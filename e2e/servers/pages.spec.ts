import { names } from "../support/person.ts";
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
  await alice.page.getByLabel("Whom to invite").pressSequentially("bob b");
  await alice.page.getByRole("button", { name: `Invite ${names.bob}` }).click();
  await expect(alice.page.getByText("The invitation is on its way.")).toBeVisible();
  await expect(bob.page.getByText(`${names.alice} invites you to a room.`)).toBeVisible();
  await bob.page.locator("#chat-invitation").getByRole("button", { name: "Open" }).click();
  await expect(bob.room(name)).toBeVisible();
  await enterRoom(alice, name);
  await alice.say("You came!");
  await bob.hears("You came!");

  await bob.page.goto("/rooms");
  await bob.page.getByRole("main").getByRole("link", { name }).click();
  await expect(bob.page.getByRole("main").getByText("only people who are invited come in")).toBeVisible();
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
