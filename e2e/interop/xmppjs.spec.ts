import { type Credentials, expect, test } from "./fixtures.ts";
import { bare } from "./talker.ts";
import { XmppJs, xml } from "./xmppjs.ts";

const forward = "urn:xmpp:forward:0";

test("@xmpp/client has the members as contacts, and sees who is there", async ({ door, ending }) => {
  const alice = ending(await XmppJs.signIn(door, "alice"));
  const roster = await alice.client.iqCaller.get(xml("query", { xmlns: "jabber:iq:roster" }));
  const names = roster!.getChildren("item").map((item) => item.attrs.name);
  expect(names.sort()).toEqual(["Bob Baker", "Carol Costa", "Dave Dunn"]);
  const bob = await XmppJs.signIn(door, "bob");
  await alice.stanzas.take("bob's presence", (s) => s.is("presence") && s.attrs.from === bob.jid && !s.attrs.type);
  await bob.end();
  await alice.stanzas.take("bob's end", (s) => s.is("presence") && s.attrs.from === bob.jid && s.attrs.type === "unavailable");
});

test("@xmpp/client resumes a lost stream, and misses nothing", async ({ door, ending }) => {
  const alice = ending(await XmppJs.signIn(door, "alice"));
  const bob = ending(await XmppJs.signIn(door, "bob"));
  await alice.say(bob.jid, "before");
  await bob.hears("before");
  const back = bob.stumble();
  await alice.say(bob.jid, "meanwhile");
  expect(await back).toBe("resumed");
  await bob.hears("meanwhile");
  await alice.say(bob.jid, "after");
  await bob.hears("after");
  const messages = bob.stanzas.rest().filter((s) => s.is("message"));
  expect(messages.map(String)).toEqual([]); // nothing came twice
});

test("@xmpp/client reads the archive", async ({ door, ending }) => {
  const alice = ending(await XmppJs.signIn(door, "alice"));
  const bob = ending(await XmppJs.signIn(door, "bob"));
  for (const text of ["one", "two"]) {
    await alice.say(bare(bob.jid), text);
    await bob.hears(text);
  }
  await bob.client.iqCaller.set(xml("query", { xmlns: "urn:xmpp:mam:2" }));
  const found: (string | null)[] = [];
  for (let n = 0; n < 2; n++) {
    const message = await bob.stanzas.take("a result", (s) => s.getChild("result", "urn:xmpp:mam:2") !== undefined);
    const inner = message.getChild("result", "urn:xmpp:mam:2")!.getChild("forwarded", forward)!.getChild("message")!;
    found.push(inner.getChildText("body"));
  }
  expect(found).toEqual(["one", "two"]);
});

test("@xmpp/client cannot use a token twice", async ({ door }) => {
  const credentials: Credentials = await door.mint("alice");
  const once = { ...door, mint: async () => credentials };
  const alice = await XmppJs.signIn(once, "alice");
  await alice.end();
  await expect(XmppJs.signIn(once, "alice")).rejects.toThrow(/not-authorized/);
});
