import type { Person } from "../support/person.ts";
import { PushService } from "../support/push_service.ts";
import { enterRoom, makeRoom } from "../support/rooms.ts";
import { ways } from "../support/test.ts";
import { expect, test } from "./fixtures.ts";

// What somebody does in the chat, whichever server is behind the site (docs/SERVERS.md).

for (const { login, transport } of ways) {
  const one = transport === "websocket" && login === "session"; // make test goes one way, make interop all
  test.describe(`${login}, ${transport}`, one ? {} : { tag: "@interop" }, () => {
    test.use({ login, transport });

    test("from one sign-in to the sign-out", async ({ alice, bob, visit }) => {
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
        await bob.page.goto("/");
        await comeBack(bob);
        await enterRoom(bob, room);
        await bob.hears(`${greeting}, everybody`); // from the room's archive
        await bob.say(`${answer}, everybody`);
        await alice.hears(`${answer}, everybody`);
      });

      await test.step("each sees whether the other is around", async () => {
        await bob.goTo("Home");
        await expect(bob.around("alice")).toHaveText("Around");
      });

      // A page over BOSH that was closed is one that somebody looks at, until its session ends.
      const pushes = transport === "websocket" ? await PushService.start() : null;
      const told = () => pushes?.notices.map(({ title, text, url }) => `${title}: ${text} ${url}`);
      if (pushes) await test.step("who has no page open is told by web push, once of each message, by a name and no more", async () => {
        await expect.poll(() => alice.page.evaluate(() => fetch("/settings").then((answer) => answer.text()))).toContain("Show what was written");
        await pushes.subscribe(alice);
        await bob.talkTo("alice");
        await bob.say("seen at once"); // on the page that is open
        await expect(alice.page.getByRole("banner").getByLabel(/unread message/)).toBeVisible();
        const here = alice.page.url();
        await alice.page.goto("about:blank");
        await bob.say("are you there?");
        await bob.say("I waited");
        await expect.poll(told, { timeout: 60_000 }).toEqual(Array(2).fill("Bob Baker: New message /chat/with/bob"));
        expect(new Set(pushes.notices.map(({ id }) => id)).size).toBe(2);
        await alice.page.goto(here);
        await comeBack(alice);
        await bob.goTo("Home");
      });

      await test.step("signing out ends the chat at once", async () => {
        alice.watch.allow(/\b401\b/); // as which the site says that nobody is signed in
        const elsewhere = await visit("alice");
        await elsewhere.openSite();
        await elsewhere.goTo("Settings");
        await elsewhere.page.getByRole("button", { name: "Sign out everywhere else" }).click();
        await expect(alice.notice()).toContainText("You are signed out.");
        await elsewhere.goTo("Home");
        await elsewhere.signOut();
        await expect(bob.around("alice")).toHaveText("Away");
        if (pushes) expect(told()).toHaveLength(2);
        pushes?.stop();
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
