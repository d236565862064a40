// Notifications, with the real service worker. Chromium without its vendor's push service
// cannot subscribe: the test's own has what the site sends, encrypted, and DevTools hand it to
// the worker.

import { launchOptions } from "./support/launch.ts";
import { reply } from "./support/messages.ts";
import { deliver, PushService, shownBy } from "./support/push_service.ts";
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

test("one notification for each conversation, and one for each message however it comes", async ({ alice, site, visit }) => {
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
    await deliver(alice.page, site.url, { id: `other ${++delivered}`, tag: "bob@localhost", url: "/chat/with/bob", title: "Bob Baker", text: "second", time: 0 });
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

test("a page that is closed: one notice for each message at each device, however many tabs there are", async ({ alice, bob, site, visit }) => {
  const laptop = await visit("alice");
  await laptop.signIn();
  const devices = [alice, laptop];
  const services = await Promise.all(devices.map(() => PushService.start()));
  try {
    await Promise.all(devices.map((device, i) => services[i]!.subscribe(device)));
    await allowNotifications(alice);
    const second = await alice.newTab();
    await second.page.goto("/people");
    await second.ready();
    await bob.talkTo("alice");
    await bob.say("seen at once");
    await expect(second.page).toHaveTitle(/^\(1\)/);
    for (const each of [...devices, second]) await each.page.goto("about:blank");
    for (const text of ["first", "second", "third"]) await bob.say(text);
    const told = () => services.map(({ notices }) => notices.map(({ title, text, url }) => `${title}: ${text} ${url}`));
    const each = Array(3).fill("Bob Baker: New message /chat/with/bob");
    await expect.poll(told).toEqual([each, each]);
    const ids = services.map(({ notices }) => new Set(notices.map(({ id }) => id)));
    expect(ids.map(({ size }) => size)).toEqual([3, 3]);
    expect(ids[0]).toEqual(ids[1]);

    // What the browser then shows, while none of the site's pages is open; one of them twice, as push services may.
    // Chromium takes a notification away after some seconds, which a busy machine may need.
    const [notices] = services.map((service) => service.notices);
    await expect(async () => {
      for (const notice of [...notices!, notices!.at(-1)!]) await deliver(alice.page, site.url, notice);
      expect(await shownBy(alice.context)).toEqual([expect.stringMatching(/Bob Baker: New message\n\d+ new messages$/)]);
    }).toPass({ timeout: 30_000 });

    // And once somebody has come back, on whatever device, it is all seen.
    await laptop.page.goto("/chat/with/bob");
    await laptop.hears("third");
    await bob.say("fourth");
    await laptop.hears("fourth");
    await laptop.page.goto("about:blank");
    await bob.say("fifth");
    await expect.poll(() => told().map(({ length }) => length)).toEqual([4, 4]); // and none of the fourth
  } finally {
    for (const service of services) service.stop();
  }
});

/** Chooses on the settings page when, and how, one is notified. */
async function choose(person: Person, choice: { sound?: boolean; quiet?: [from: string, until: string] }): Promise<void> {
  await person.goTo("Settings");
  if (choice.sound !== undefined) await person.page.getByLabel("Play a sound while this site is open").setChecked(choice.sound);
  if (choice.quiet) {
    await person.page.getByLabel("From", { exact: true }).filter({ visible: true }).fill(choice.quiet[0]);
    await person.page.getByLabel("Until", { exact: true }).fill(choice.quiet[1]);
  }
  await person.page.getByRole("button", { name: "Save notifications" }).click();
  await expect(person.page.getByRole("status").filter({ hasText: "Your notifications are saved." })).toBeVisible();
}

/** The next hour in Berlin, where the browsers of these tests are: it is not over while the test runs. */
function soon(hours: number): string {
  const time = new Date(Date.now() + hours * 3_600_000);
  return new Intl.DateTimeFormat("en-GB", { timeZone: "Europe/Berlin", hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(time);
}

test("in the quiet time nothing comes, neither to a page that is closed nor to one that is open", async ({ alice, bob, visit }) => {
  const carol = await visit("carol"); // has no quiet time: what she is told of shows that it was alice's turn, too
  await carol.signIn();
  const [service, carols] = [await PushService.start(), await PushService.start()];
  try {
    await allowNotifications(alice);
    await service.subscribe(alice);
    await carols.subscribe(carol);
    await choose(alice, { quiet: [soon(-1), soon(2)] });
    await alice.page.reload();
    await alice.ready();
    await bob.talkTo("alice");
    await bob.say("while a page is open");
    await expect(alice.page).toHaveTitle(/^\(1\)/);
    expect(await shown(alice)).toEqual([]);
    await alice.page.goto("about:blank");
    await carol.page.goto("about:blank");
    await bob.say("while none is");
    await bob.page.goto("/chat/with/carol");
    await bob.say("later");
    await expect.poll(() => carols.notices.length).toBe(1);
    expect(service.notices).toEqual([]);
    await alice.page.goto("/");
    await alice.ready();
    await choose(alice, { quiet: ["", ""] });
    await alice.page.goto("about:blank");
    await bob.page.goto("/chat/with/alice");
    await bob.say("after it");
    await expect.poll(() => service.notices.length).toBe(1);
  } finally {
    for (const each of [service, carols]) each.stop();
  }
});

test("with the sound off a notification is silent", async ({ alice, bob }) => {
  await allowNotifications(alice);
  await alice.page.addInitScript(() => {
    const { play } = HTMLMediaElement.prototype;
    HTMLMediaElement.prototype.play = function () {
      document.documentElement.dataset.played = String(Number(document.documentElement.dataset.played ?? 0) + 1);
      return play.call(this);
    };
  });
  const played = () => alice.page.evaluate(() => Number(document.documentElement.dataset.played ?? 0));
  const silent = () => alice.page.evaluate(async () => (await (await navigator.serviceWorker.ready).getNotifications()).map(({ body, silent }) => `${body}: ${silent}`));
  await bob.talkTo("alice");
  await choose(alice, { sound: false });
  await alice.page.reload();
  await alice.ready();
  await bob.say("quietly");
  await expect.poll(silent).toEqual(["quietly: true"]);
  expect(await played()).toBe(0);
  await choose(alice, { sound: true });
  await alice.page.reload();
  await alice.ready();
  await bob.say("aloud");
  await expect.poll(silent).toEqual(["aloud: false"]);
  await expect.poll(played).toBe(1);
});
