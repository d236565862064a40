// What this site relies on in Converse is there, and a Converse without it is noticed.

import { expect, test } from "./support/test.ts";

test("all internals are there", async ({ visit }) => {
  const alice = await visit("alice");
  await alice.openSite(); // an error on the console would fail the test
  await alice.ready();
  await expect(alice.notice()).toBeHidden();
});

test("an internal that is gone is said loudly", async ({ visit }) => {
  const alice = await visit("alice");
  alice.watch.allow(/Converse has no elements\.converse-chat-message\.getExtraMessageClasses: see/);
  await alice.context.route(/converse\.min\.js/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: (await response.text()).replaceAll("getExtraMessageClasses", "getMoreMessageClasses") });
  });
  const said = alice.context.waitForEvent("console", (message) => message.type() === "error");
  await alice.openSite();
  expect((await said).text()).toContain("no elements.converse-chat-message.getExtraMessageClasses");
  await alice.ready();
  await expect(alice.notice()).toContainText("Parts of the chat do not work");
});

// Signing out removes what may be saved a moment later; Converse would throw.
test("what was removed is saved and loaded without an error", async ({ alice, bob }) => {
  await bob.talkTo("alice");
  await bob.say("soon to be removed");
  await alice.talkTo("bob");
  await alice.hears("soon to be removed");
  // Fails where either throws.
  const done = await alice.page.evaluate(async () => {
    type Model = { collection: { remove(model: Model): void }; save(what: object, how: object): Promise<unknown> };
    const { Collection } = (window as unknown as { converse: { env: { Collection: new () => { fetch(how: object): Promise<unknown> } } } }).converse.env;
    const { model } = document.querySelector("converse-chat-message")! as unknown as { model: Model };
    model.collection.remove(model);
    await model.save({ is_retracted: false }, { promise: true });
    await new Collection().fetch({ promise: true });
    return "saved and loaded";
  });
  expect(done).toBe("saved and loaded");
});
