import { expect, test } from "./fixtures.ts";
import { Stanza } from "./stanza.ts";
import { bare } from "./talker.ts";

test("stanza has the members as contacts, asks for services, and blocks", async ({ door, ending }) => {
  const alice = ending(await Stanza.signIn(door, "alice"));
  const { items } = await alice.agent.getRoster();
  expect(items.map((item) => [item.jid, item.name, item.subscription]).sort()).toEqual([
    ["bob@localhost", "Bob Baker", "both"],
    ["carol@localhost", "Carol Costa", "both"],
    ["dave@localhost", "Dave Dunn", "both"],
  ]);
  const info = await alice.agent.getDiscoInfo("localhost");
  expect(info.identities).toContainEqual(expect.objectContaining({ category: "server", type: "im" }));
  await alice.agent.ping("localhost");
  expect((await alice.agent.getVCard("bob@localhost")).fullName).toBe("Bob Baker");
  await alice.agent.block("carol@localhost");
  expect((await alice.agent.getBlocked()).jids).toEqual(["carol@localhost"]);
});

test("stanza reads the archive page by page", async ({ door, ending }) => {
  const alice = ending(await Stanza.signIn(door, "alice"));
  const bob = ending(await Stanza.signIn(door, "bob"));
  for (const text of ["one", "two", "three"]) {
    await alice.say(bare(bob.jid), text);
    await bob.hears(text);
  }
  const found: (string | undefined)[] = [];
  let after: string | undefined;
  for (let complete = false; !complete; ) {
    const page = await bob.agent.searchHistory({ with: bare(alice.jid), paging: { max: 2, after } });
    found.push(...page.results!.map((result) => result.item.message?.body));
    complete = page.complete ?? false;
    after = page.paging?.last;
  }
  expect(found).toEqual(["one", "two", "three"]);
});

test("stanza gets carbons of what another of one's devices is told", async ({ door, ending }) => {
  const alice = ending(await Stanza.signIn(door, "alice"));
  const desk = ending(await Stanza.signIn(door, "bob"));
  const phone = ending(await Stanza.signIn(door, "bob"));
  await phone.agent.enableCarbons();
  const copy = new Promise<string | undefined>((resolve) => {
    phone.agent.on("carbon:received", (carbon) => resolve(carbon.carbon.forward.message?.body));
  });
  await alice.say(desk.jid, "to the desk");
  await desk.hears("to the desk");
  expect(await copy).toBe("to the desk");
});

test("stanza makes a room, others join it, and it has a history", async ({ door, ending }) => {
  const alice = ending(await Stanza.signIn(door, "alice"));
  const bob = ending(await Stanza.signIn(door, "bob"));
  const room = "interop@conference.localhost";
  const joined = await alice.agent.joinRoom(room, "Al");
  expect(joined.muc.statusCodes).toContain("201");
  await alice.agent.configureRoom(room, {});
  await bob.agent.joinRoom(room, "Bo");
  alice.agent.sendMessage({ to: room, type: "groupchat", body: "everybody?" });
  expect(await bob.hears("everybody?")).toBe(`${room}/Al`);
  const page = await bob.agent.searchHistory(room, {});
  expect(page.results!.map((result) => result.item.message?.body)).toEqual(["everybody?"]);
  const members = await bob.agent.getRoomMembers(room, { affiliation: "owner" }).catch((error: { error: { condition: string } }) => error.error.condition);
  expect(members).toBe("forbidden"); // bob owns nothing here
});
