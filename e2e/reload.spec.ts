// A reload at any moment loses nothing.

import { leaveAtEveryMoment, leaveAtMoment, momentKey } from "./support/moments.ts";
import { clearStorage } from "./support/storage.ts";
import { expect, type Person, test } from "./support/test.ts";

/** Loads the page, which loads itself again so long after the list of people appeared. */
async function reloadAfterList(person: Person, ms: number, open: () => Promise<unknown> = () => person.page.goto("/")): Promise<void> {
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

// what a stream brought before it was resumed is kept, or asked for again.
for (const transport of ["websocket", "bosh"] as const) {
  for (const cpu of ["fast", "slow"] as const) {
    test.describe(`${transport}, ${cpu} CPU`, () => {
      test.use({ transport });

      test("the list of people is complete after a reload, whenever it comes", async ({ alice }) => {
        test.setTimeout(300_000);
        // What the stream brought is looked at, and not what the site tells besides.
        alice.watch.allow(/did not tell the conversations|Failed to load resource/, /xmpp\/conversations: net::ERR_FAILED/);
        await alice.context.route("**/xmpp/conversations", (route) => route.abort());
        for (const ms of [0, 20, 50, 150, 300]) {
          await test.step(`${ms} ms after the list appeared`, async () => {
            await clearStorage(alice);
            if (cpu === "slow") {
              const session = await alice.context.newCDPSession(alice.page);
              await session.send("Emulation.setCPUThrottlingRate", { rate: 4 });
            }
            await reloadAfterList(alice, ms);
            for (const name of ["Bob Baker", "Carol Costa", "Dave Dunn"]) await expect(alice.listed(name)).toBeAttached({ timeout: 30_000 });
          });
        }
      });
    });
  }
}

// RFC 6121 §4.5: a stream that goes on after a reload says only what changes.
for (const transport of ["websocket", "bosh"] as const) {
  test.describe(transport, () => {
    test.use({ transport });

    test("who leaves after a reload is seen to leave", async ({ alice, bob }) => {
      await expect(alice.around("bob")).toHaveText("Around");
      await expect.poll(() => alice.page.evaluate(() => sessionStorage.getItem("foyer-starting"))).toBeNull();
      await alice.page.reload();
      await alice.ready();
      await expect(alice.around("bob")).toHaveText("Around");
      await bob.signOut();
      await expect(alice.around("bob")).toHaveText("Away");
    });

    test("who comes while a page loads is seen to come", async ({ alice, visit }) => {
      await expect(alice.around("carol")).toHaveText("Away");
      await expect.poll(() => alice.page.evaluate(() => sessionStorage.getItem("foyer-starting"))).toBeNull();
      await alice.page.goto("about:blank");
      await (await visit("carol")).signIn();
      await alice.page.goto("/chat");
      await expect(alice.listed("Carol Costa")).toContainText("Around");
    });
  });
}

test.describe("bosh", () => {
  test.use({ transport: "bosh" });

  test("the session goes on, whatever moment the page goes away", async ({ alice, bob, site }) => {
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

  // and so while it only begins, as a page that was just opened does: the list of
  // people was asked for, and its answer is lost with the page.
  test("a reload asks again what was not answered, by the same session", async ({ bob, visit, site }) => {
    const alice = await visit("alice");
    await alice.context.route("**/xmpp/conversations", (route) => route.abort()); // what the stream brings is looked at
    alice.watch.allow(/did not tell the conversations|Failed to load resource/, /xmpp\/conversations: net::ERR_FAILED/);
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
  });
});
