import { expect, test } from "./fixtures.ts";
import { StropheJs, type StropheTransport } from "./strophe.ts";

for (const transport of ["websocket", "bosh"] as StropheTransport[]) {
  test(`strophe.js over ${transport} has the members as contacts, and asks for services`, async ({ door, ending }) => {
    const alice = ending(await StropheJs.signIn(door, "alice", transport));
    const roster = await alice.ask({ type: "get" }, "query", { xmlns: "jabber:iq:roster" });
    const names = Array.from(roster.getElementsByTagName("item"), (item) => item.getAttribute("name"));
    expect(names.sort()).toEqual(["Bob Baker", "Carol Costa", "Dave Dunn"]);
    const info = await alice.ask({ type: "get", to: "localhost" }, "query", { xmlns: "http://jabber.org/protocol/disco#info" });
    expect(info.getElementsByTagName("identity")[0]!.getAttribute("type")).toBe("im");
    await expect(alice.ask({ type: "get", to: "localhost" }, "query", { xmlns: "urn:example:none" })).rejects.toThrow(/service-unavailable/);
  });

  test(`strophe.js over ${transport} keeps the order of many messages`, async ({ door, ending }) => {
    const alice = ending(await StropheJs.signIn(door, "alice", transport));
    const bob = ending(await StropheJs.signIn(door, "bob", transport));
    const texts = Array.from({ length: 50 }, (_, n) => `number ${n}`);
    for (const text of texts) await alice.say(bob.jid, text);
    await bob.hears(texts.at(-1)!);
    const before = bob.stanzas.rest().filter((s) => s.tagName === "message");
    expect(before.map((s) => s.getElementsByTagName("body")[0]!.textContent)).toEqual(texts.slice(0, -1));
  });
}
