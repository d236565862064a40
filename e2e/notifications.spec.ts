// Notifications, with the real service worker. Chromium without its vendor's push service
// cannot subscribe: the test's own has what the site sends, encrypted, and DevTools hand it to
// the worker.

import { Archive } from "./support/archive.ts";
import { Client } from "./support/client.ts";
import { launchOptions } from "./support/launch.ts";
import { reply } from "./support/messages.ts";
import { deliver, PushService, shownBy } from "./support/push_service.ts";
import { expect, names, type Person, test } from "./support/test.ts";

// The headless shell has no notifications: it calls them denied, whatever was granted.
test.use({ launchOptions: launchOptions(process.env.CHROMIUM_WHOLE || process.env.CHROMIUM), serviceWorkers: "allow" });

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

const LOBBY = "lobby@conference.localhost";

/** What the service worker shows. */
const shown = (person: Person) =>
  person.page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    const list = await registration.getNotifications();
    return list.map(({ title, body, tag }) => `${tag} ${title}: ${body}`);
  });

test("one notification for each conversation, and one for each message however it comes", async ({ alice, site, visit }) => {
  await allowNotifications(alice);
  await choose(alice, { text: true });
  await alice.page.goto("/");
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

/** Chooses on the settings page when, and how, one is notified. */
async function choose(person: Person, choice: { text?: boolean; sound?: boolean; quiet?: [from: string, until: string] }): Promise<void> {
  await person.goTo("Settings");
  if (choice.text !== undefined) await person.page.getByLabel("Show what was written, not only who wrote").setChecked(choice.text);
  if (choice.sound !== undefined) await person.page.getByLabel("Play a sound while this site is open").setChecked(choice.sound);
  if (choice.quiet) {
    await person.page.getByLabel("From", { exact: true }).filter({ visible: true }).fill(choice.quiet[0]);
    await person.page.getByLabel("Until", { exact: true }).fill(choice.quiet[1]);
  }
  await person.page.getByRole("button", { name: "Save notifications" }).click();
  await expect(person.page.getByRole("status").filter({ hasText: "Your notification settings have been saved." })).toBeVisible();
}

/** The next hour in Berlin, where the browsers of these tests are: it is not over while the test runs. */
function soon(hours: number): string {
  const time = new Date(Date.now() + hours * 3_600_000);
  return new Intl.DateTimeFormat("en-GB", { timeZone: "Europe/Berlin", hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(time);
}

/** Loads the page again, up to the archive's answer: what is said before that may come with it, and is only counted. */
async function reload(person: Person, archive: Archive): Promise<void> {
  await archive.answers(async () => {
    await person.page.reload();
    await person.ready();
  });
}

test("while a page is open, it shows what a person chose to be told of", async ({ alice, site }) => {
  const bob = await Client.signIn(site, "bob");
  const archive = new Archive(alice.page);
  await allowNotifications(alice);

  // It is delivered late, and the site leaves it to the page that comes.
  await test.step("what comes while a page is loaded is notified once it is there", async () => {
    await alice.ready();
    await alice.page.goto("about:blank");
    await bob.say("meanwhile");
    await alice.page.goto("/");
    await expect.poll(() => shown(alice)).toEqual(["bob@localhost Bob Baker: New message"]);
  });

  await test.step("where a person chose it, it says what was written", async () => {
    await choose(alice, { text: true });
    await reload(alice, archive);
    await bob.say("in full");
    await expect.poll(() => shown(alice)).toEqual(["bob@localhost Bob Baker: in full"]);
  });

  await test.step("a room that is not open notifies, too, of a message with one's name", async () => {
    await alice.goTo("Chat");
    await alice.listed(names.bob).click(); // reads it
    await expect.poll(() => shown(alice)).toEqual([]);
    await bob.enter(LOBBY);
    await bob.say("nothing for anybody", LOBBY);
    await bob.answer("nothing for anybody", "this is for Alice Adler", LOBBY); // shown without what it answers
    await expect(alice.listed("Lobby").locator(".conversation-unread")).toHaveText("2");
    await expect.poll(() => shown(alice)).toEqual(["lobby@conference.localhost Lobby: Bob Baker: this is for Alice Adler"]);
    await alice.listed("Lobby").click();
    await expect.poll(() => shown(alice)).toEqual([]);
  });

  await test.step("nothing is shown of a conversation that is set to none", async () => {
    const carol = await Client.signIn(site, "carol");
    await alice.page.evaluate(async () => {
      await fetch("/xmpp/conversations/settings", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ jid: "carol@localhost", level: "none" }) });
    });
    const settled = alice.page.waitForResponse((answer) => answer.url().endsWith("/xmpp/conversations/settings"));
    await alice.page.goto("/");
    await settled;
    await alice.ready();
    await carol.say("quiet");
    await expect(alice.page.getByRole("banner").getByLabel("1 unread message")).toBeVisible();
    expect(await shown(alice)).toEqual([]);
  });

  await test.step("with the sound off a notification is silent", async () => {
    await alice.page.addInitScript(() => {
      const { play } = HTMLMediaElement.prototype;
      HTMLMediaElement.prototype.play = function () {
        document.documentElement.dataset.played = String(Number(document.documentElement.dataset.played ?? 0) + 1);
        return play.call(this);
      };
    });
    const played = () => alice.page.evaluate(() => Number(document.documentElement.dataset.played ?? 0));
    const silent = () => alice.page.evaluate(async () => (await (await navigator.serviceWorker.ready).getNotifications()).map(({ body, silent }) => `${body}: ${silent}`));
    await choose(alice, { sound: false });
    await reload(alice, archive);
    await bob.say("quietly");
    await expect.poll(silent).toEqual(["quietly: true"]);
    expect(await played()).toBe(0);
    await choose(alice, { sound: true });
    await reload(alice, archive);
    await bob.say("aloud");
    await expect.poll(silent).toEqual(["aloud: false"]);
    await expect.poll(played).toBe(1);
  });

  await test.step("and nothing stays on the screen after the sign-out", async () => {
    await bob.say("the last");
    await expect.poll(() => shown(alice)).toEqual([expect.stringMatching(/the last/)]);
    await alice.signOut();
    await expect.poll(() => shown(alice)).toEqual([]);
  });
});

test("who is not notified although they asked for it is told so, and asked again on the next page", async ({ alice, visit }) => {
  const service = await PushService.start();
  try {
    const bob = await visit("bob");
    await service.serve(bob.context);
    await bob.context.addInitScript(() => {
      const { subscribe } = PushManager.prototype;
      PushManager.prototype.subscribe = function (options) {
        return localStorage.getItem("test-answers") ? subscribe.call(this, options) : Promise.reject(new Error("the push service does not answer"));
      };
    });
    await bob.signIn();
    await bob.talkTo("alice");
    const offer = bob.page.locator("#chat-offer");
    const notify = offer.getByRole("button", { name: "Notify me" });
    await bob.say("first");
    await notify.click();
    const notice = bob.page.locator("#chat-notice");
    await expect(notice).toContainText("Notifications could not be turned on.");
    await expect(notice.getByRole("link", { name: "Settings" })).toHaveAttribute("href", "/settings#notifications");
    await expect(offer).toBeHidden();
    await alice.talkTo("bob");
    await alice.say("second");
    await bob.hears("second");
    await expect(offer).toBeHidden(); // once on each page

    await bob.page.evaluate(() => localStorage.setItem("test-answers", "1"));
    await bob.page.reload();
    await bob.ready();
    await bob.talkTo("alice");
    await bob.say("third");
    await notify.click();
    await expect(offer).toBeHidden();
    await expect.poll(() => bob.page.evaluate(() => localStorage.getItem("foyer-offered-bob@localhost"))).toBe("1");
    await expect(notice).toBeHidden();
  } finally {
    service.stop();
  }
});

// A browser may drop a subscription at any time, or have another (Push API §8.3).
test("a browser that dropped its subscription has another by itself, and the site knows of one that changed", async ({ visit, site }) => {
  const alice = await visit("alice");
  const bob = await Client.signIn(site, "bob");
  const [service, other] = [await PushService.start(), await PushService.start()];
  try {
    await service.serve(alice.context);
    await alice.signIn();
    await alice.goTo("Settings");
    await alice.page.locator("[data-push-on]").click();
    const state = alice.page.locator("[data-push-state]");
    await expect(state).toHaveText("You are notified on this device, also while this site is closed.");

    await alice.page.evaluate(() => localStorage.removeItem("test-subscribed"));
    const told = alice.page.waitForRequest((request) => request.method() === "POST" && request.url().endsWith("/xmpp/push"));
    await alice.page.reload();
    await told;
    await expect(state).toHaveText("You are notified on this device, also while this site is closed.");

    const worker = alice.context.serviceWorkers()[0] ?? (await alice.context.waitForEvent("serviceworker"));
    await worker.evaluate(async (made) => {
      let renewed: Promise<unknown> | undefined;
      const waitUntil = (promise: Promise<unknown>) => (renewed = promise);
      self.dispatchEvent(Object.assign(new Event("pushsubscriptionchange"), { waitUntil, newSubscription: made }));
      await renewed;
    }, other.subscription("device"));
    await alice.page.goto("about:blank");
    await bob.say("Are you there?");
    await expect.poll(() => other.notices.map(({ title }) => title)).toEqual(["Bob Baker"]);
    expect(service.notices).toEqual([]);
  } finally {
    service.stop();
    other.stop();
  }
});

test("a page that is closed: one notice for each message at each device, however many tabs there are", async ({ alice, site }) => {
  const laptop = await Client.signIn(site, "alice");
  const bob = await Client.signIn(site, "bob");
  const carol = await Client.signIn(site, "carol"); // what she is told of shows that it was alice's turn, too
  const archive = new Archive(alice.page);
  const devices = [alice, laptop];
  const services = await Promise.all(devices.map(() => PushService.start()));
  const carols = await PushService.start();
  try {
    await Promise.all(devices.map((device, i) => services[i]!.subscribe(device)));
    await carols.subscribe(carol);
    carol.leave();
    await allowNotifications(alice);
    const second = await alice.newTab();
    await second.page.goto("/people");
    await second.ready();
    await bob.say("seen at once");
    await expect(second.page).toHaveTitle(/^\(1\)/);
    for (const each of [alice, second]) await each.page.goto("about:blank");
    laptop.leave();
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
    await laptop.connect();
    await bob.say("fourth");
    await expect.poll(() => laptop.heard).toContain("fourth");
    await bob.say("and you?", "carol");
    await expect.poll(() => carols.notices.length).toBe(1);
    expect(told()).toEqual([each, each]);
    await laptop.read("bob");
    laptop.leave();
    await alice.page.goto("/");
    await alice.ready();
    await expect(alice.page).toHaveTitle(/^[^(]/);
    await expect.poll(() => shown(alice)).toEqual([]);
    await alice.talkTo("bob");
    await alice.hears("fourth");
    await bob.say("fifth");
    await alice.hears("fifth");
    await alice.page.goto("about:blank");
    await bob.say("sixth");
    await expect.poll(() => told().map(({ length }) => length)).toEqual([4, 4]); // and none of the fifth

    await test.step("in the quiet time nothing comes, neither to a page that is closed nor to one that is open", async () => {
      await alice.page.goto("/chat/with/bob"); // reads it
      await alice.hears("sixth");
      await choose(alice, { quiet: [soon(-1), soon(2)] });
      await alice.page.getByRole("button", { name: "Close the chat" }).click();
      await reload(alice, archive);
      await bob.say("while a page is open");
      await expect(alice.page).toHaveTitle(/^\(1\)/);
      expect(await shown(alice)).toEqual([]);
      await alice.page.goto("about:blank");
      await bob.say("while none is");
      await bob.say("later", "carol"); // who has no quiet time
      await expect.poll(() => carols.notices.length).toBe(2);
      expect(told().map(({ length }) => length)).toEqual([4, 4]);
      await alice.page.goto("/");
      await alice.ready();
      await choose(alice, { quiet: ["", ""] });
      await alice.page.goto("about:blank");
      await bob.say("after it");
      await expect.poll(() => told().map(({ length }) => length)).toEqual([5, 5]);
    });
  } finally {
    for (const service of [...services, carols]) service.stop();
  }
});

test("a page that is visible is looked at by nobody, once nothing was done for five minutes in any tab", async ({ visit }) => {
  const alice = await visit("alice");
  await alice.page.clock.install(); // before there is a page, whose timers would go by two clocks
  const service = await PushService.start();
  try {
    await alice.signIn();
    await service.subscribe(alice);
    await allowNotifications(alice);
    await alice.page.goto("/chat/with/bob");
    await alice.ready();
    const tab = await alice.newTab();
    await tab.page.clock.install();
    await tab.page.goto("/people");
    await tab.ready();
    const bob = await visit("bob");
    await bob.signIn();
    await bob.talkTo("alice");
    const read = (text: string) => bob.page.locator("#chat .chat-msg--read").filter({ hasText: text });
    await bob.say("while she is there");
    await expect(read("while she is there")).toBeVisible();

    for (const each of [alice, tab]) await each.page.clock.fastForward(240_000);
    const heard = await alice.page.evaluateHandle(() => ({ promise: new Promise((resolve) => new BroadcastChannel("foyer-done").addEventListener("message", () => resolve(true))) }));
    await tab.page.keyboard.press("Shift");
    await heard.evaluate(({ promise }) => promise);
    for (const each of [alice, tab]) await each.page.clock.fastForward(120_000);
    await bob.say("while she is in another tab");
    await expect(read("while she is in another tab")).toBeVisible();

    for (const each of [alice, tab]) await each.page.clock.fastForward(300_000);
    await bob.say("while she is away");
    await expect(alice.page).toHaveTitle(/^\(1\)/);
    await expect.poll(() => shown(alice)).toEqual([expect.stringMatching(/^bob@localhost Bob Baker/)]);
    await expect.poll(() => service.notices.map(({ title }) => title)).toEqual(["Bob Baker"]);
    await expect(bob.message("while she is away")).toBeVisible();
    await expect(read("while she is away")).toHaveCount(0);

    await alice.page.mouse.move(200, 200);
    await expect(read("while she is away")).toBeVisible();
    await expect(alice.page).toHaveTitle(/^[^(]/);
    await expect.poll(() => shown(alice)).toEqual([]);
    await bob.say("when she is back");
    await expect(read("when she is back")).toBeVisible();
    expect(service.notices.length).toBe(1);
  } finally {
    service.stop();
  }
});
