import { MINUTE, setClock } from "../support/clock.ts";
import { expect, test } from "./fixtures.ts";

// Another server's ids do not say when something was said: history is asked for by what its archive and the site say.

test("in a browser whose clock is ahead nothing is missing, and all is in its order", { tag: "@any" }, async ({ bob, visit }) => {
  const alice = await visit("alice");
  await setClock(alice, 5 * MINUTE);
  await alice.signIn({ trusted: true });
  await alice.talkTo("bob");
  await bob.talkTo("alice");
  await bob.say("one");
  await alice.hears("one");
  await alice.say("two");
  await bob.hears("two");
  await bob.say("three");
  await alice.hears("three");
  expect(await alice.conversation()).toEqual(["one", "two", "three"]);
  const phone = await visit("alice");
  await phone.signIn();
  await phone.talkTo("bob");
  await alice.page.close();
  await bob.say("four");
  await phone.hears("four");
  alice.page = await alice.context.newPage();
  await alice.page.goto("/chat/with/bob");
  await alice.hears("four");
  await alice.say("five");
  await bob.hears("five");
  await bob.say("six");
  await alice.hears("six");
  expect(await alice.conversation()).toEqual(["one", "two", "three", "four", "five", "six"]);
  for (const person of [alice, bob]) await expect(person.page.locator("#chat .date-separator")).toHaveText(["Today"]); // whatever the ids look like
});
