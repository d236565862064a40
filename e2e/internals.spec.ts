// What this site relies on in Converse is there, and a Converse without it is noticed.

import { expect, test } from "./support/test.ts";

test("all internals are there", async ({ visit }) => {
  const alice = await visit("alice");
  await alice.openSite(); // an error on the console would fail the test
  await alice.ready();
  await expect(alice.notice()).toBeHidden();
});

test("nothing is missed by a plugin", async ({ visit }) => {
  const alice = await visit("alice");
  const missed: string[] = [];
  alice.page.on("console", (message) => {
    if (/could not find dependency/i.test(message.text())) missed.push(message.text());
  });
  await alice.openSite();
  await alice.ready();
  expect(missed).toEqual([]);
});

test("what Converse keeps after a sign-in is looked for as well", async ({ visit }) => {
  const alice = await visit("alice");
  alice.watch.allow(/Converse has no state\.popular_emojis\.getPopularEmojis: see/);
  await alice.context.route(/converse\.min\.js/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: (await response.text()).replaceAll("getPopularEmojis", "getUsualEmojis") });
  });
  const said = alice.context.waitForEvent("console", (message) => message.type() === "error");
  await alice.openSite();
  expect((await said).text()).toContain("no state.popular_emojis.getPopularEmojis");
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

// Converse fails where its stream is gone, as it does when somebody signs out: a note. With a
// stream, it is an error of the page.
test("what fails for want of a stream is no error", async ({ alice, visit }) => {
  alice.watch.allow(/401/, /WebSocket connection to/, /^exception: /);
  await alice.talkTo("bob");
  /** Lets Converse ask for something impossible, for whose answer nobody waits. */
  const fail = () =>
    alice.page.evaluate(() => {
      type Contact = { sendRosterRemoveStanza(this: { get(): string }): Promise<unknown> };
      const { model } = document.querySelector("converse-chat")! as unknown as { model: { contact: Contact } };
      void model.contact.sendRosterRemoveStanza.call({ get: () => "nobody@localhost" });
    });
  const error = alice.context.waitForEvent("weberror");
  await fail();
  await error;

  const elsewhere = await visit("alice");
  await elsewhere.signIn();
  await elsewhere.goTo("Settings");
  await elsewhere.page.getByRole("button", { name: "Sign out everywhere else" }).click();
  await expect(alice.page.getByText("You are signed out.")).toBeVisible();
  const errors: Error[] = [];
  alice.context.on("weberror", (each) => errors.push(each.error()));
  const note = alice.context.waitForEvent("console", (message) => message.text().startsWith("Cut off:"));
  await fail();
  await note;
  expect(errors).toEqual([]);
});
