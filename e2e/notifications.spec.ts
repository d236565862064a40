// Notifications, with the real service worker. Chromium without its vendor's push service
// cannot subscribe, so what the site sends is given to the worker by DevTools; that it sends
// it, and encrypted, app/push tests.

import { launchOptions } from "./support/launch.ts";
import { reply } from "./support/messages.ts";
import { expect, type Person, test } from "./support/test.ts";

// The headless shell has no notifications: it calls them denied, whatever was granted.
test.use({ launchOptions: launchOptions(process.env.CHROMIUM_WHOLE || process.env.CHROMIUM) });

/** Lets the site notify, and turns it on, as the button does, whose push service is not here. */
async function allowNotifications(person: Person): Promise<void> {
  await person.context.grantPermissions(["notifications"]);
  const permission = await person.page.evaluate(async (user) => {
    localStorage.setItem("foyer-notify", user);
    await navigator.serviceWorker.register("/sw.js");
    return Notification.permission;
  }, person.user);
  test.skip(permission !== "granted", "no Chromium that shows notifications is installed: set CHROMIUM_WHOLE");
}

/** What the service worker shows. */
const shown = (person: Person) =>
  person.page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    const list = await registration.getNotifications();
    return list.map(({ title, body, tag }) => `${tag} ${title}: ${body}`);
  });

/** Gives the worker what a push service would. */
async function deliver(person: Person, notice: object): Promise<void> {
  const devtools = await person.context.newCDPSession(person.page);
  const registered = new Promise<string>((resolve) =>
    devtools.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => registrations[0] && resolve(registrations[0].registrationId)),
  );
  await devtools.send("ServiceWorker.enable");
  const origin = new URL(person.page.url()).origin;
  await devtools.send("ServiceWorker.deliverPushMessage", { origin, registrationId: await registered, data: JSON.stringify(notice) });
  await devtools.detach();
}

test("one notification for each conversation, and one for each message however it comes", async ({ alice, visit }) => {
  await allowNotifications(alice);
  await alice.page.reload();
  await alice.ready();
  const other = await alice.newTab();
  await other.page.goto("/people");
  await other.ready();
  const bob = await visit("bob");
  await bob.context.addInitScript(() => Object.defineProperty(Notification, "permission", { get: () => "default" }));
  await bob.signIn();
  await bob.talkTo("alice");
  const offer = bob.page.locator("#chat-offer");
  await expect(offer).toBeHidden();
  await bob.say("first");
  await expect.poll(() => shown(alice)).toEqual(["bob@localhost Bob Baker: first"]);
  await expect(offer).toHaveText("Be notified of new messages? Notify me Not now"); // once
  await offer.getByRole("button", { name: "Not now" }).press("Enter");
  await expect(offer).toBeHidden();
  await expect(bob.input()).toBeFocused(); // where he wrote
  await reply(bob, "first", "an answer"); // shown without what it answers
  await expect.poll(() => shown(alice)).toEqual(["bob@localhost Bob Baker: an answer"]);
  // Chromium takes a notification away after some seconds, which a busy machine may need.
  let delivered = 0;
  await expect(async () => {
    await deliver(alice, { id: `other ${++delivered}`, tag: "bob@localhost", url: "/chat/with/bob", title: "Bob Baker", text: "second", time: 0 });
    expect(await shown(alice)).toEqual([expect.stringMatching(/^bob@localhost Bob Baker: second\n\d+ new messages$/)]);
  }).toPass({ timeout: 30_000 });
  await alice.talkTo("bob"); // reads it
  await expect.poll(() => shown(alice)).toEqual([]);
});

test("nothing is shown of a conversation that is set to none", async ({ alice, bob }) => {
  await allowNotifications(alice);
  await alice.page.evaluate(async () => {
    const level = (jid: string, to: string) =>
      fetch("/xmpp/conversations/settings", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ jid, level: to }) });
    await level("bob@localhost", "none");
  });
  const settled = alice.page.waitForResponse((answer) => answer.url().endsWith("/xmpp/conversations/settings"));
  await alice.page.reload();
  await settled;
  await alice.ready();
  await bob.talkTo("alice");
  await bob.say("quiet");
  await expect(alice.page.getByRole("banner").getByLabel("1 unread message")).toBeVisible();
  expect(await shown(alice)).toEqual([]);
});

// It is delivered late, and the site leaves it to the page that comes.
test("what comes while a page is loaded is notified once it is there", async ({ alice, bob }) => {
  await allowNotifications(alice);
  await bob.talkTo("alice");
  await alice.page.goto("about:blank");
  await bob.say("meanwhile");
  await alice.page.goto("/");
  await expect.poll(() => shown(alice)).toEqual(["bob@localhost Bob Baker: meanwhile"]);
  await alice.signOut(); // and nothing of it stays on the screen
  await expect.poll(() => shown(alice)).toEqual([]);
});

test("a room that is not open notifies, too, of a message with one's name", async ({ alice, bob }) => {
  await allowNotifications(alice);
  await alice.page.goto("/chat");
  await expect(alice.listed("Lobby")).toBeVisible();
  await bob.page.goto("/chat/room/lobby");
  await expect(bob.room("Lobby")).toBeVisible();
  await bob.say("nothing for anybody");
  await reply(bob, "nothing for anybody", "this is for Alice Adler");
  await expect(alice.listed("Lobby").locator(".conversation-unread")).toHaveText("2");
  await expect.poll(() => shown(alice)).toEqual(["lobby@conference.localhost Lobby: Bob Baker: this is for Alice Adler"]);
});
