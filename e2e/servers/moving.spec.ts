import type { Page } from "@playwright/test";
import type { Database } from "../support/cluster.ts";
import { encrypt } from "../support/omemo.ts";
import type { User } from "../support/person.ts";
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

/** The one device of somebody that encrypts (XEP-0384), once its keys are at the site: making them takes a moment. */
async function deviceOf(database: Database, user: User): Promise<string> {
  const items = async () => {
    const rows = await database.query("SELECT node, convert_from(payload, 'UTF8') AS payload FROM pubsub_items WHERE username = $1 AND (node LIKE 'urn:xmpp:omemo:2:%' OR node LIKE 'eu.siacs.%')", user);
    return rows.map(({ node, payload }) => ({ node: String(node), payload: String(payload) }));
  };
  await expect.poll(async () => (await items()).length).toBeGreaterThanOrEqual(4); // devices and keys, old and new
  const devices = (await items()).flatMap(({ node, payload }) => (/devicelist$|:devices$/.test(node) ? [...payload.matchAll(/<device\b[^>]*\bid=["'](\d+)["']/g)] : []).map(([, id]) => id!));
  expect(new Set(devices).size).toBe(1);
  return devices[0]!;
}

/** The devices for which a page encrypts, by a stream that is still to begin. */
function readersOf(page: Page): Set<string> {
  const readers = new Set<string>();
  page.on("websocket", (stream) =>
    stream.on("framesent", ({ payload }) => {
      const [, header] = /<encrypted\b.*?<header\b(.*?)<\/header>/s.exec(String(payload)) ?? [];
      for (const [, id] of header?.matchAll(/<key\b[^>]*\brid="(\d+)"/g) ?? []) readers.add(id!);
    }),
  );
  return readers;
}

test("a site moves, with all that was said", { tag: "@interop" }, async ({ kind, home, site, visit }) => {
  test.setTimeout(180_000);
  const [alice, bob] = [await visit("alice"), await visit("bob")];
  await alice.signIn({ trusted: true });
  const device = await deviceOf(home.database, "alice");
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
  const other = await visit("bob");
  const readers = readersOf(other.page);
  await test.step("who was a contact is one: nobody has said anything yet that would make them", async () => {
    await back.goTo("Home");
    await expect(back.around("bob")).toHaveText("Away");
    await other.signIn({ trusted: true });
    await expect(back.around("bob")).toHaveText("Around");
    await expect(other.around("alice")).toHaveText("Around");
  });
  await test.step("and it goes on", async () => {
    await other.talkTo("alice");
    await other.hears("before we moved");
    await other.say("nice here");
    await back.talkTo("bob");
    await back.hears("nice here");
  });
  await test.step("what is encrypted now is for the device that she had, whose keys came along", async () => {
    await encrypt(other);
    await other.say("do you still have your key?");
    await expect.poll(() => [...readers]).toContain(device);
  });
});
