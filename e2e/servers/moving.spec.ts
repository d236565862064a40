import { Program } from "../support/process.ts";
import { enterRoom, makeRoom } from "../support/rooms.ts";
import { binary, Site } from "../support/site.ts";
import { expect, Household, test as base } from "./fixtures.ts";
import { kinds } from "./kinds.ts";

// Moving house (docs/MOVING.md): what was said while the site's own server was there is in
// the chat when another one is.

const test = base.extend<{ home: Household }>({
  // A site of its own, which begins with its own server.
  home: async ({ kind }, use) => {
    const home = await Household.open(kind);
    await use(home);
    await home.close();
  },

  site: async ({ home, login }, use, info) => {
    const site = new Site(home.database, login);
    await site.start();
    await use(site);
    const end = await site.stop();
    site.remove();
    if (info.status !== info.expectedStatus) await info.attach("site.log", { body: site.lines.join("\n"), contentType: "text/plain" });
    expect(end, "how the site stopped").toEqual({ code: 0, signal: null });
  },
});

test("a site moves, with all that was said", { tag: "@interop" }, async ({ kind, home, site, visit }) => {
  test.setTimeout(180_000);
  const [alice, bob] = [await visit("alice"), await visit("bob")];
  await alice.signIn();
  await bob.signIn();
  await alice.talkTo("bob");
  await alice.say("before we moved");
  await bob.talkTo("alice");
  await bob.hears("before we moved");
  await bob.say("I remember");
  await alice.hears("I remember");
  for (const [room, who] of [["Attic", "Everybody"], ["Cellar", "Only people who are invited"]] as const) {
    await alice.goTo("Home");
    await makeRoom(alice, room, who);
    await alice.say(`in the ${room}`);
  }
  await alice.context.close();
  await bob.context.close();

  await test.step("the site stops, is copied, and starts again with the other server", async () => {
    expect(await site.stop()).toEqual({ code: 0, signal: null });
    const { url } = await home.serverDatabase();
    const copy = new Program(binary, ["chat", "export", "--to", kinds[kind].server, "--database", url], { APP_ENV: "development", DATABASE_URL: home.database.url });
    expect((await copy.ended).code, copy.lines.join("\n")).toBe(0);
    site.set(home.settings);
    await site.start();
    await home.chat();
  });

  const back = await visit("alice"); // in a browser that has never seen any of it
  await back.signIn();
  await back.talkTo("bob");
  await back.hears("before we moved");
  await back.hears("I remember");
  for (const room of ["Attic", "Cellar"]) {
    await back.goTo("Home");
    await enterRoom(back, room);
    await back.hears(`in the ${room}`);
  }
  await test.step("and it goes on", async () => {
    const other = await visit("bob");
    await other.signIn();
    await other.talkTo("alice");
    await other.hears("before we moved");
    await other.say("nice here");
    await back.goTo("Home");
    await back.talkTo("bob");
    await back.hears("nice here");
  });
});
