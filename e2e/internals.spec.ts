// What this site relies on in Converse is there, and a Converse without it is noticed.

import { expect, test } from "./support/test.ts";

test("all internals are there, and nothing is missed by a plugin", async ({ visit }) => {
  const alice = await visit("alice");
  const missed: string[] = [];
  alice.page.on("console", (message) => {
    if (/could not find dependency/i.test(message.text())) missed.push(message.text());
  });
  await alice.openSite(); // an error on the console would fail the test
  await alice.ready();
  await expect(alice.notice()).toBeHidden();
  expect(missed).toEqual([]);
});

test("an internal that is gone is said loudly, one that Converse keeps after a sign-in as well", async ({ visit }) => {
  const alice = await visit("alice");
  const gone = { "elements.converse-chat-message": "getExtraMessageClasses", "state.popular_emojis": "getPopularEmojis" };
  alice.watch.allow(...Object.values(gone).map((name) => new RegExp(`Converse has no [\\w.-]+\\.${name}: see`)));
  await alice.context.route(/converse\.min\.js/, async (route) => {
    const response = await route.fetch();
    const body = (await response.text()).replace(/get(ExtraMessageClasses|PopularEmojis)/g, "getOther$1");
    await route.fulfill({ response, body });
  });
  const said = Object.entries(gone).map(([owner, name]) =>
    alice.context.waitForEvent("console", (message) => message.type() === "error" && message.text().includes(`no ${owner}.${name}`)));
  await alice.openSite();
  await Promise.all(said);
  await alice.ready();
  await expect(alice.notice()).toContainText("Parts of the chat do not work");
});

test("what was removed is saved without an error, and what fails for want of a stream is none", async ({ alice, visit }) => {
  alice.watch.allow(/401/, /WebSocket connection to/, /^exception: /);
  await alice.talkTo("bob");
  await alice.say("soon to be removed");

  // Signing out removes what may be saved a moment later; Converse would throw.
  await test.step("what was removed is saved and loaded", async () => {
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
  await test.step("what fails with a stream, and without one", async () => {
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

    const elsewhere = await (await visit("alice")).stayOutside();
    const { request } = elsewhere.context;
    const [, csrf] = (await (await request.get("/settings")).text()).match(/name="csrf" value="([^"]+)"/)!;
    expect((await request.post("/settings/sessions/others/end", { form: { csrf: csrf! } })).ok()).toBe(true);
    await expect(alice.page.getByText("You are signed out.")).toBeVisible();
    const errors: Error[] = [];
    alice.context.on("weberror", (each) => errors.push(each.error()));
    const note = alice.context.waitForEvent("console", (message) => message.text().startsWith("Cut off:"));
    await fail();
    await note;
    expect(errors).toEqual([]);
  });
});
