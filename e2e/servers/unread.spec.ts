import type { Person } from "../support/person.ts";
import { names } from "../support/test.ts";
import { expect, test } from "./fixtures.ts";

// The server's archive, and the markers that one's devices share, tell a browser that was never
// here what the embedded server tells by itself. Of conversations between people, with Prosody: docs/SERVERS.md
// says what there is of rooms, and with ejabberd.

/** A row of the list: what was said last, and how much is unread. */
async function expectRow(person: Person, name: string, line: string, unread: string): Promise<void> {
  const row = person.listed(name);
  await expect(row.locator(".conversation-line")).toHaveText(line);
  await expect(row.locator(".conversation-unread")).toHaveText(unread ? [unread] : []);
}

test("what is unread, and the last line of a conversation with somebody, on a browser that has not been here", { tag: "@once" }, async ({ alice, bob, visit }) => {
  await alice.talkTo("bob");
  await bob.talkTo("alice");
  await bob.say("have you read this?");
  await alice.hears("have you read this?");
  await alice.say("yes, just now"); // what comes after one's own last is unread
  await bob.hears("yes, just now");
  const here = alice.page.url();
  await alice.page.goto("about:blank");
  await bob.say("one more");
  await bob.say("and another");

  const elsewhere = await visit("alice");
  await elsewhere.signIn();
  await elsewhere.page.goto("/chat");
  const unread = async () => {
    await expectRow(elsewhere, names.bob, "and another", "2");
    await expect(elsewhere.page).toHaveTitle(/^\(2\) /);
  };
  await unread();
  await elsewhere.page.reload();
  await unread();

  await test.step("what one reads there is read here", async () => {
    await elsewhere.listed(names.bob).click();
    await elsewhere.hears("and another");
    await expectRow(elsewhere, names.bob, "and another", "");
    await expect(elsewhere.page).toHaveTitle(/^[^(]/);
    await alice.page.goto(new URL("/settings", here).href);
    await expect(alice.page.locator("#conversations")).toHaveAttribute("aria-busy", "false");
    await expectRow(alice, names.bob, "and another", "");
    await expect(alice.page).toHaveTitle(/^[^(]/);
  });
});
