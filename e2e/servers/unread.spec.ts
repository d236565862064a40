import type { Page } from "@playwright/test";
import type { Person } from "../support/person.ts";
import { enterRoom, makeRoom } from "../support/rooms.ts";
import { names } from "../support/test.ts";
import { expect, test } from "./fixtures.ts";

// The server's archive, and the markers that one's devices share, tell a browser that was never
// here what the embedded server tells by itself.

/** A row of the list: what was said last, and how much is unread. */
async function expectRow(person: Person, name: string, line: string, unread: string): Promise<void> {
  const row = person.listed(name);
  await expect(row.locator(".conversation-line")).toHaveText(line);
  await expect(row.locator(".conversation-unread")).toHaveText(unread ? [unread] : []);
}

/** The ids of the messages up to which the server has taken that they are read (XEP-0490), by a stream that is still to begin. */
function markersOf(page: Page): string[] {
  const taken: string[] = [];
  const told = new Map<string, string>(); // by the id of the request
  page.on("websocket", (stream) => {
    stream.on("framesent", ({ payload }) => {
      const [, marker] = /<publish node="urn:xmpp:mds:displayed:0">.*<stanza-id [^>]*\bid="([^"]+)"/.exec(String(payload)) ?? [];
      if (marker) told.set(/ id="([^"]+)"/.exec(String(payload))![1]!, marker);
    });
    stream.on("framereceived", ({ payload }) => {
      for (const [id, marker] of told) if (/type=.result/.test(String(payload)) && String(payload).includes(id)) taken.push(marker);
    });
  });
  return taken;
}

/** Resolves when somebody's other devices can know that the open conversation was read to its end. */
async function expectMarked({ page }: Person, markers: string[]): Promise<void> {
  const ids = await page.evaluate(() => {
    const rows = [...document.querySelectorAll<HTMLElement & { model: any }>("#chat converse-chat-message")];
    const of = Object.entries(rows.at(-1)!.model.attributes).filter(([name]) => name.startsWith("stanza_id "));
    return of.map(([, id]) => String(id));
  });
  await expect.poll(() => markers.some((id) => ids.includes(id))).toBe(true);
}

test("what is unread, and the last line of each conversation, on a browser that has not been here", { tag: "@any" }, async ({ bob, visit }) => {
  const alice = await visit("alice");
  const markers = markersOf(alice.page);
  await alice.signIn();
  await alice.talkTo("bob");
  await bob.talkTo("alice");
  await bob.say("have you read this?");
  await alice.hears("have you read this?");
  await expectMarked(alice, markers);
  await alice.goTo("Home");
  await makeRoom(alice, "Orchard");
  await bob.goTo("Rooms");
  await enterRoom(bob, "Orchard");
  await bob.say("apples");
  await alice.hears("apples");
  await expectMarked(alice, markers);
  const here = alice.page.url();
  await alice.page.goto("about:blank");
  await bob.say("pears");
  await bob.goTo("Home");
  await bob.talkTo("alice");
  await bob.say("one more");
  await bob.say("and another");

  const elsewhere = await visit("alice");
  const markersThere = markersOf(elsewhere.page);
  await elsewhere.signIn();
  await elsewhere.goTo("Chat");
  const unread = async () => {
    await expectRow(elsewhere, names.bob, "and another", "2");
    await expectRow(elsewhere, "Orchard", `${names.bob}: pears`, "1");
    await expect(elsewhere.page).toHaveTitle(/^\(3\) /);
  };
  await unread();
  await elsewhere.page.reload();
  await unread();

  await test.step("what one reads there is read here", async () => {
    await elsewhere.listed(names.bob).click();
    await elsewhere.hears("and another");
    await expectRow(elsewhere, names.bob, "and another", "");
    await expectMarked(elsewhere, markersThere);
    await elsewhere.listed("Orchard").click();
    await elsewhere.hears("pears");
    await expect(elsewhere.page).toHaveTitle(/^[^(]/);
    await alice.page.goto(new URL("/settings", here).href);
    await expect(alice.page.locator("#conversations")).toHaveAttribute("aria-busy", "false");
    await expectRow(alice, names.bob, "and another", "");
    await expect(alice.page).toHaveTitle(/^[^(]/);
    await bob.say("a third"); // were anything counted that was read elsewhere, there would be more than this
    await expectRow(alice, names.bob, "a third", "1");
    await expect(alice.page).toHaveTitle(/^\(1\) /);
  });
});
