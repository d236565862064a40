// Notifications, with the real service worker. Chromium without its vendor's push service
// cannot subscribe, so what the site sends is given to the worker by DevTools; that it sends
// it, and encrypted, app/push tests.

import { expect, type Person, test } from "./support/test.ts";

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
  await alice.context.grantPermissions(["notifications"]);
  await alice.page.evaluate(async () => {
    localStorage.setItem("foyer-notify", "alice"); // as the button does, whose push service is not here
    await navigator.serviceWorker.register("/sw.js");
  });
  await alice.page.reload();
  await alice.ready();
  const other = await alice.newTab();
  await other.page.goto("/people");
  await other.ready();
  const bob = await visit("bob");
  await bob.signIn();
  // Both pages are told of him: what comes before is delivered later, which is no news.
  for (const page of [alice, other]) await expect(page.around("bob")).toHaveText("Around");
  await bob.talkTo("alice");
  await bob.say("first");
  await expect.poll(() => shown(alice)).toEqual(["bob@localhost Bob Baker: first"]);
  await deliver(alice, { id: "other", tag: "bob@localhost", url: "/chat/with/bob", title: "Bob Baker", text: "second", time: 0 });
  await expect.poll(() => shown(alice)).toEqual(["bob@localhost Bob Baker: second\n2 new messages"]);
  await alice.talkTo("bob"); // reads it
  await expect.poll(() => shown(alice)).toEqual([]);
});

test("nothing is shown of a conversation that is set to none", async ({ alice, bob }) => {
  await alice.context.grantPermissions(["notifications"]);
  await alice.page.evaluate(async () => {
    localStorage.setItem("foyer-notify", "alice");
    const level = (jid: string, to: string) =>
      fetch("/xmpp/conversations/settings", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ jid, level: to }) });
    await level("bob@localhost", "none");
    await navigator.serviceWorker.register("/sw.js");
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
