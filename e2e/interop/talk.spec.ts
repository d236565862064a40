import { type Door, expect, test } from "./fixtures.ts";
import { Stanza } from "./stanza.ts";
import { StropheJs } from "./strophe.ts";
import { bare, type Talker } from "./talker.ts";
import { XmppJs } from "./xmppjs.ts";

type Account = "alice" | "bob";

const clients: Record<string, (door: Door, account: Account) => Promise<Talker>> = {
  "strophe.js over WebSocket": (door, account) => StropheJs.signIn(door, account, "websocket"),
  "strophe.js over BOSH": (door, account) => StropheJs.signIn(door, account, "bosh"),
  "@xmpp/client": (door, account) => XmppJs.signIn(door, account),
  stanza: (door, account) => Stanza.signIn(door, account),
};

for (const [name, signIn] of Object.entries(clients)) {
  test(`${name} signs in and talks with every other client`, async ({ door, ending }) => {
    const alice = ending(await signIn(door, "alice"));
    for (const [other, signInOther] of Object.entries(clients)) {
      const bob = ending(await signInOther(door, "bob"));
      await alice.say(bob.jid, `to ${other}`);
      expect(await bob.hears(`to ${other}`)).toBe(alice.jid);
      await bob.say(bare(alice.jid), `from ${other}`);
      expect(await alice.hears(`from ${other}`)).toBe(bob.jid);
      await bob.end();
    }
  });
}
