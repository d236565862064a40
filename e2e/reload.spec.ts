// A reload at any moment loses nothing.

import { leaveAtEveryMoment, leaveAtMoment, momentKey } from "./support/moments.ts";
import { clearStorage } from "./support/storage.ts";
import { enterRoom, expect, type Person, test } from "./support/test.ts";

/** Opens a page, which loads itself again so long after the list of people appeared. */
async function reloadAfterList(person: Person, ms: number, open: () => Promise<unknown>): Promise<void> {
  await person.page.addInitScript((after) => {
    const [navigation] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
    if (navigation!.type === "reload") return;
    const observer = new MutationObserver(() => {
      if (!document.querySelector("#chat[data-ready]")) return;
      observer.disconnect();
      setTimeout(() => location.reload(), after);
    });
    document.addEventListener("DOMContentLoaded", () => observer.observe(document.body, { subtree: true, attributeFilter: ["data-ready"] }));
  }, ms);
  await open();
  await person.page.waitForFunction(() => (performance.getEntriesByType("navigation")[0] as PerformanceNavigationTiming).type === "reload", undefined, { timeout: 60_000 });
}

/** What the stream brings is looked at, and not what the site tells besides. */
async function withoutConversations({ context, watch }: Person): Promise<void> {
  watch.allow(/did not tell the conversations|Failed to load resource/, /xmpp\/conversations: net::ERR_FAILED/);
  await context.route("**/xmpp/conversations", (route) => route.abort());
}

/** When the page is loaded again: so many ms after the list appeared, on a CPU so many times slower. */
const moments = [
  { ms: 0, slower: 1 },
  { ms: 50, slower: 1 },
  { ms: 150, slower: 4 },
  { ms: 300, slower: 4 },
];

/** Runs in a page: which conversations are open, as far as the browser's store has kept that. */
async function openInStore(): Promise<string[]> {
  const done = <T>(request: IDBRequest<T>) => new Promise<T>((resolve) => (request.onsuccess = () => resolve(request.result)));
  const store = await done(indexedDB.open("converse-persistent"));
  const rows = await done(store.transaction("alice@localhost").objectStore("alice@localhost").getAll());
  store.close();
  return rows.filter((row) => ["chatbox", "chatroom"].includes(row.type) && !row.hidden && !row.closed).map(({ jid }) => jid);
}

for (const transport of ["websocket", "bosh"] as const) {
  test.describe(transport, () => {
    test.use({ transport });

    // what a stream brought before it was resumed is kept, or asked for again.
    test("the list of people is complete after a reload, whenever it comes", async ({ visit }) => {
      test.setTimeout(300_000);
      const alice = await visit("alice");
      await withoutConversations(alice);
      for (const [i, { ms, slower }] of moments.entries()) {
        await test.step(`${ms} ms after the list appeared, CPU slower by ${slower}`, async () => {
          if (i > 0) await clearStorage(alice);
          const session = await alice.context.newCDPSession(alice.page);
          await session.send("Emulation.setCPUThrottlingRate", { rate: slower });
          await reloadAfterList(alice, ms, () => (i > 0 ? alice.page.goto("/") : alice.openSite()));
          for (const name of ["Bob Baker", "Carol Costa", "Dave Dunn"]) await expect(alice.listed(name)).toBeAttached({ timeout: 30_000 });
        });
      }
    });

    test("what is open on a page is open on the next one, though the browser's store had no time to keep it", async ({ alice }) => {
      await alice.talkTo("bob");
      await expect.poll(() => alice.page.evaluate(openInStore)).toEqual(["bob@localhost"]);
      await alice.page.evaluate(() => {
        IDBObjectStore.prototype.put = function (_value, key) {
          return this.get(key!) as IDBRequest<IDBValidKey>;
        };
      });
      await enterRoom(alice, "Lobby");
      await alice.say("I come back at once");
      await alice.page.reload();
      await expect(alice.room("Lobby")).toBeVisible();
      await alice.hears("I come back at once");
    });

    // RFC 6121 §4.5: a stream that goes on after a reload says only what changes.
    test("who leaves after a reload, and who comes while a page loads, is seen to", async ({ alice, bob }) => {
      await test.step("who leaves", async () => {
        await expect(alice.around("bob")).toHaveText("Around");
        await alice.canGoOn();
        await alice.page.reload();
        await alice.ready();
        await expect(alice.around("bob")).toHaveText("Around");
        await bob.signOut();
        await expect(alice.around("bob")).toHaveText("Away");
      });

      await test.step("who comes", async () => {
        await alice.canGoOn();
        await alice.page.goto("about:blank");
        await bob.signIn();
        await alice.page.goto("/chat");
        await expect(alice.listed("Bob Baker")).toContainText("Around");
      });
    });
  });
}

test.describe("bosh", () => {
  test.use({ transport: "bosh" });

  test("the session goes on, whatever moment the page goes away", async ({ bob, visit, site }) => {
    const alice = await visit("alice");
    // the list of people was asked for, and its answer is lost with the page.
    await test.step("while it only begins", async () => {
      await withoutConversations(alice);
      let isLost = false;
      const lost = new Promise<void>((resolve) =>
        alice.page.route(/\/http-bind/, async (route) => {
          const response = await route.fetch();
          isLost ||= /<query [^>]*jabber:iq:roster/.test(await response.text());
          await (isLost ? resolve() : route.fulfill({ response })); // nothing more is heard
        }),
      );
      const { "foyer_streams_opened_total bosh": opened } = await site.counts();
      await alice.openSite();
      await lost;
      await alice.page.unrouteAll({ behavior: "ignoreErrors" });
      await alice.page.reload();
      await alice.ready();
      await expect(alice.listed("Carol Costa")).toBeAttached();
      await expect(bob.around("alice")).toHaveText("Around");
      await expect(alice.around("bob")).toHaveText("Around");
      expect((await site.counts())["foyer_streams_opened_total bosh"]).toBe(opened! + 1);
      await alice.context.unrouteAll();
    });

    await test.step("with something under way", async () => {
      await alice.page.addInitScript(leaveAtMoment, momentKey);
      await alice.page.reload();
      await alice.talkTo("bob");
      await bob.talkTo("alice");
      const leaver = {
        evaluate: (note: (moment: [string, string]) => void, moment: [string, string]) => alice.page.evaluate(note, moment),
        type: (text: string) => alice.type(text),
        hears: (text: string) => alice.hears(text),
        conversation: () => alice.conversation(),
      };
      await leaveAtEveryMoment(leaver, bob, site);
    });
  });
});

test.describe("with XMPP_LOGIN=password, where the tab is the store", () => {
  test.use({ login: "password" });

  // A page that goes away may have named a message there, and not stored it.
  test("what the store has named and not kept comes from the archive", async ({ alice, bob }) => {
    await alice.talkTo("bob");
    await bob.talkTo("alice");
    for (const text of ["one", "two", "three"]) {
      await bob.say(text);
      await alice.hears(text);
    }
    await alice.say("four");
    for (const lost of ["two", "one"]) {
      const takeOut = (text: string) => {
        const keys = Object.keys(sessionStorage).filter((key) => sessionStorage[key].includes(`"body":"${text}"`));
        for (const key of keys) sessionStorage.removeItem(key);
        return keys.length;
      };
      await expect.poll(() => alice.page.evaluate(takeOut, lost)).toBe(1);
      await alice.page.reload();
      const form = alice.page.locator("converse-login-form form");
      await expect(form.or(alice.input()).filter({ visible: true }).first()).toBeVisible();
      if (await form.isVisible()) await alice.enterChat(); // the stream had no time to be resumed
      for (const text of ["one", "two", "three", "four"]) await alice.hears(text);
      expect(await alice.conversation()).toEqual(["one", "two", "three", "four"]);
    }
  });
});
