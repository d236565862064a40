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
