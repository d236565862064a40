// Notifications, with the real service worker. That the site sends what is pushed, and
// encrypted, app/push tests.

import { expect, type Person, test } from "./support/test.ts";

/** What the service worker shows. */
const shown = (person: Person) =>
  person.page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    const list = await registration.getNotifications();
    return list.map(({ title, body, tag }) => `${tag} ${title}: ${body}`);
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
