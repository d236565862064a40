import type { Person } from "../support/person.ts";
import { describe, enterRoom, makeRoom, member, moderate, panel, question } from "../support/rooms.ts";
import { names, ways } from "../support/test.ts";
import { Visitor } from "../support/visitor.ts";
import { expect, test } from "./fixtures.ts";

// What somebody does in the chat, whichever server is behind the site (docs/SERVERS.md).

for (const { login, transport } of ways) {
  const one = transport === "websocket" && login === "session"; // make test goes one way, make interop all
  test.describe(`${login}, ${transport}`, one ? {} : { tag: "@interop" }, () => {
    test.use({ login, transport });

    test("from one sign-in to the sign-out", async ({ alice, bob, site, pushes }) => {
      const [greeting, answer] = [`hello by ${login} and ${transport}`, `hi by ${login} and ${transport}`];
      await alice.talkTo("bob");
      await alice.say(greeting);
      await bob.talkTo("alice");
      await bob.hears(greeting);
      await bob.say(answer);
      await alice.hears(answer);

      await test.step("a reload keeps the person in the chat, with what was said", async () => {
        await alice.page.reload();
        await comeBack(alice);
        await alice.hears(greeting);
        await alice.hears(answer);
        await alice.say(`${greeting}, again`);
        await bob.hears(`${greeting}, again`);
      });

      const room = `Garden ${login} ${transport}`;
      await test.step("a room that one makes, another finds and enters", async () => {
        await alice.goTo("Home");
        await makeRoom(alice, room);
        await alice.say(`${greeting}, everybody`);
        await bob.goTo("Rooms"); // Home has the busiest alone
        await enterRoom(bob, room);
        await bob.hears(`${greeting}, everybody`); // from the room's archive
        await bob.say(`${answer}, everybody`);
        await alice.hears(`${answer}, everybody`);
      });

      if (one) await test.step("its owner looks after it, in its panel", () => lookAfter(alice, bob, room));

      await test.step("each sees whether the other is around", async () => {
        await bob.goTo("Home");
        await expect(bob.around("alice")).toHaveText("Around");
      });

      await test.step("who has not been here yet has a name all the same", async () => {
        await alice.goTo("Home");
        await alice.talkTo("dave"); // nobody signs in as him
      });

      const told = () => pushes?.notices.map(({ title, text, url }) => `${title}: ${text} ${url}`);
      if (pushes) await test.step("who has no page open is told by web push, once of each message, by a name and no more", async () => {
        await expect.poll(() => alice.page.evaluate(() => fetch("/settings").then((answer) => answer.text()))).toContain("Show what was written");
        await pushes.subscribe(alice);
        await bob.talkTo("alice");
        await alice.talkTo("bob");
        await bob.say(`${greeting}, seen at once`); // on the page that is open
        await alice.hears(`${greeting}, seen at once`);
        const here = alice.page.url();
        await alice.page.goto("about:blank");
        // Prosody tells once of all that waited as it noticed that the stream is gone (mod_cloud_notify), and of each that comes later.
        for (const [before, words] of ["are you there?", "I waited"].entries()) {
          await bob.say(`${greeting}, ${words}`);
          await expect.poll(told, { timeout: 60_000 }).toEqual(Array(before + 1).fill("Bob Baker: New message /chat/with/bob"));
        }
        expect(new Set(pushes.notices.map(({ id }) => id)).size).toBe(2);
        const isThere = transport === "websocket" ? saysItIsThere(alice) : undefined;
        await alice.page.goto(here);
        await comeBack(alice);
        await isThere; // ejabberd tells of nobody's end who has not said that they are there
        await expect(alice.around("bob")).toHaveText("Around");
        await bob.goTo("Home");
      });

      await test.step("signing out ends the chat at once", async () => {
        alice.watch.allow(/\b401\b/); // as which the site says that nobody is signed in
        const elsewhere = await Visitor.arrive(site, "alice");
        expect(await elsewhere.submit("/settings", "/settings/sessions/others/end", {})).toBe(303);
        await expect(alice.notice()).toContainText("You are signed out.");
        await expect(bob.around("alice")).toHaveText("Away");
        if (pushes) expect(told()).toHaveLength(2);
      });

      if (one) await test.step("who signs in again in the same tab has the people they know", async () => {
        await alice.page.goto("/signin");
        await alice.signIn();
        await expect(alice.around("bob")).toHaveText("Around");
      });
    });
  });
}

/** After a page load: where people type their password, they do it again, unless the stream goes on. */
async function comeBack(person: Person): Promise<void> {
  const form = person.page.locator("converse-login-form form");
  await expect(form.or(person.messageButton("alice")).or(person.messageButton("bob")).filter({ visible: true }).first()).toBeVisible();
  if (await form.isVisible()) await person.enterChat();
}

/** What the owner of a room does in its panel, while somebody else is there: all of it, up to its end. */
async function lookAfter(alice: Person, bob: Person, room: string): Promise<void> {
  const outside = bob.page.locator("#chat converse-muc-disconnected");
  await alice.page.locator("#chat .head-name").click();
  await describe(alice, "What it is about", "Bees and beds");
  await describe(alice, "Topic", "Spring");
  await expect(bob.page.locator("#chat .chat-head__desc")).toHaveText("Spring");
  await expect(panel(alice).getByRole("tab", { name: "Pinned" })).toHaveCount(0); // these servers have no pins

  const moderated = panel(alice).getByLabel("Only members may write");
  const setModerated = async (on: boolean) => {
    await panel(alice).getByRole("tab", { name: "Settings" }).click();
    await moderated.setChecked(on);
    await expect(panel(alice).getByText("Saved.")).toBeVisible();
    await panel(alice).getByRole("tab", { name: "About" }).click();
    await expect(panel(alice).getByText("Its moderators decide who can write.")).toHaveCount(on ? 1 : 0);
  };
  await panel(alice).getByRole("tab", { name: "Settings" }).click();
  const before = await moderated.isChecked(); // ejabberd's rooms are from the start
  await setModerated(!before);
  if (before) await setModerated(true);
  await panel(alice).getByRole("tab", { name: "Members" }).click();
  await expect(member(alice, names.alice)).toContainText("Owner");
  await expect(member(alice, names.bob)).toContainText("Guest");
  await moderate(alice, names.bob, "Stop them from writing");
  await expect(bob.page.locator("#chat .muc-bottom-panel--muted")).toBeVisible();
  await moderate(alice, names.bob, "Let them write");
  await expect(bob.input()).toBeVisible();
  for (const [verb, standing] of [["Make member", "Member"], ["Make moderator", "Moderator"], ["Make member", "Member"]] as const) {
    await moderate(alice, names.bob, verb);
    await expect(member(alice, names.bob)).toContainText(standing);
  }
  await moderate(alice, names.bob, "Remove from the room", `Remove ${names.bob} from the room?`);
  await expect(outside).toContainText("You have been removed from this room");
  await expect(member(alice, names.bob)).toContainText("Not here now");
  await moderate(alice, names.bob, "Ban", `Ban ${names.bob} from the room?`);
  await panel(alice).getByRole("button", { name: "Banned (1)" }).click();
  await moderate(alice, names.bob, "Unban");
  await expect(member(alice, names.bob)).toHaveCount(0);

  await panel(alice).getByRole("button", { name: "Invite", exact: true }).click();
  await panel(alice).getByRole("searchbox", { name: "Invite", exact: true }).fill("bob");
  await panel(alice).getByRole("button", { name: `Invite ${names.bob}` }).click();
  await expect(panel(alice).getByText("Invited", { exact: true })).toBeVisible();
  await bob.page.locator("#chat-invitation").getByRole("button", { name: "Open" }).click();
  await expect(member(alice, names.bob)).toBeVisible();
  await expect(outside).toHaveCount(0);

  await panel(alice).getByRole("tab", { name: "About" }).click();
  await panel(alice).getByRole("button", { name: "Delete the room" }).click();
  await question(alice).getByRole("button", { name: "Delete the room" }).click();
  await expect(bob.page.locator("#chat").getByRole("heading", { name: "This room no longer exists" })).toBeVisible();
  await expect(alice.room(room)).toHaveCount(0);
}

/**
 * Resolves when the next page's stream goes on, or has begun and said that somebody is there; what the tab kept shows others
 * before. A page may open a WebSocket only to see whether one can be had.
 */
function saysItIsThere({ page }: Person): Promise<void> {
  return new Promise((resolve) => {
    const look = (text: string) => ({ payload }: { payload: string | Buffer }) => void (String(payload).includes(text) && resolve());
    page.on("websocket", (stream) => stream.on("framesent", look("<presence")).on("framereceived", look("<resumed")));
  });
}
