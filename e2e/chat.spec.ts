// Two people talk, each in a browser of their own, by every way into the chat.

import { expect, type Login, type Person, type Transport, test, ways } from "./support/test.ts";

const texts = ["hello", "Grüße aus Köln", "こんにちは、元気ですか", "مرحبا بالعالم", "🐈‍⬛ 👩🏽‍🚀 🇺🇳", "<b>&amp; \"quotes\" ]]>"];
const answers = texts.map((text) => `and back: ${text}`);

/** Each mode with the transports of the two, who need not have the same. */
const pairs = new Map<Login, [Transport, Transport]>();
for (const { login, transport } of ways) pairs.set(login, [pairs.get(login)?.[0] ?? transport, transport]);

for (const [login, [hers, his]] of pairs) {
  test.describe(login, () => {
    test.use({ login, findsOut: true });

    test(`two people talk, over ${hers} and over ${his}`, async ({ visit, database, site }) => {
      const alice = await visit("alice", { transport: hers });
      await alice.fillIn();
      const bob = await visit("bob", { transport: his });
      await bob.signIn();
      for (const transport of [hers, his]) {
        await expect.poll(async () => (await site.counts())[`foyer_streams_open ${transport}`]).toBe(hers === his ? 2 : 1);
      }
      await talk(alice, bob);
      for (const person of [alice, bob]) {
        await expect.poll(() => person.conversation()).toEqual([...texts, ...answers]);
        expect(await database.archived(person.user)).toEqual([...texts, ...answers]);
      }
    });
  });
}

async function talk(alice: Person, bob: Person): Promise<void> {
  await alice.talkTo("bob");
  for (const text of texts) await alice.say(text);
  await bob.talkTo("alice");
  for (const text of texts) await bob.hears(text);
  for (const text of answers) await bob.say(text);
  for (const text of answers) await alice.hears(text);
}
