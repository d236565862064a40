// A browser whose clock is wrong. What is said stands in the order in which it was said, and nothing is missing.

import { Client } from "./support/client.ts";
import { MINUTE, setClock } from "./support/clock.ts";
import { expect, names, type Person, test } from "./support/test.ts";

/** Everything that is drawn in the conversation: days, the line above what is new, and what was said. */
const drawn = ({ page }: Person) =>
  page.locator("#chat :is(.date-separator, .message.separator, .chat-msg__text)").evaluateAll((all) => all.map((each) => (each.textContent ?? "").trim()).filter(Boolean));

for (const [clock, by] of [["five minutes behind", -5 * MINUTE], ["a day and two hours ahead", 26 * 60 * MINUTE]] as const) {
  test(`with a clock that is ${clock} nothing is missing, and all is in its order`, async ({ site, visit }) => {
    const bob = await Client.signIn(site, "bob");
    const garden = await bob.makeRoom("Garden");
    const phone = await Client.signIn(site, "alice");
    const alice = await visit("alice");
    await setClock(alice, by);
    await alice.signIn({ trusted: true });
    await phone.enter(garden, "Alice on the phone");

    for (const [where, to, name] of [["/chat/with/bob", "alice", names.bob], [`/chat/room/${garden.split("@")[0]}`, garden, "Garden"]] as const) {
      await test.step(where, async () => {
        await alice.page.goto(where);
        await expect(alice.input()).toBeVisible();
        await alice.ready();
        await bob.say("one", to);
        await alice.hears("one");
        await alice.say("two");
        await expect.poll(() => bob.heard).toContain("two");
        await expect(alice.listed(name)).toContainText("two");
        await bob.say("three", to);
        await alice.hears("three");
        await expect(alice.listed(name)).toContainText("three");
        await alice.say("four"); // what one says oneself has no id yet
        await expect.poll(() => bob.heard).toContain("four");
        await alice.page.close();

        await bob.say("five", to);
        await expect.poll(() => phone.heard).toContain("five");
        alice.page = await alice.context.newPage();
        await alice.page.goto(where);
        await alice.hears("five");
        const before = ["Today", "one", "two", "three", "four", "New messages", "five"];
        await expect.poll(() => drawn(alice)).toEqual(before);
        await expect(alice.listed(name)).toContainText("five");
        await alice.say("six");
        await expect.poll(() => bob.heard).toContain("six");
        await bob.say("seven", to);
        await alice.hears("seven");
        expect(await drawn(alice)).toEqual([...before, "six", "seven"]);
        await expect(alice.listed(name)).toContainText("seven");
        bob.heard.length = phone.heard.length = 0;
      });
    }
  });
}
