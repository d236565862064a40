// Two people talk, each in a browser of their own, by every way into the chat.

import { expect, test, ways } from "./support/test.ts";

const texts = ["hello", "Grüße aus Köln", "こんにちは、元気ですか", "مرحبا بالعالم", "🐈‍⬛ 👩🏽‍🚀 🇺🇳", "<b>&amp; \"quotes\" ]]>"];

for (const { login, transport } of ways) {
  test.describe(`${login} over ${transport}`, () => {
    test.use({ login, transport, findsOut: true });

    test("two people talk", async ({ visit, database, site }) => {
      const [alice, bob] = [await visit("alice"), await visit("bob")];
      for (const person of [alice, bob]) await person.fillIn();
      await expect.poll(async () => (await site.counts())[`foyer_streams_open ${transport}`]).toBe(2);
      await alice.talkTo("bob");
      for (const text of texts) await alice.say(text);
      await bob.talkTo("alice");
      for (const text of texts) await bob.hears(text);
      await bob.say("and back");
      await alice.hears("and back");
      await expect.poll(() => alice.conversation()).toEqual([...texts, "and back"]);
      expect(await database.archived("alice")).toEqual([...texts, "and back"]);
      expect(await database.archived("bob")).toEqual([...texts, "and back"]);
    });
  });
}
