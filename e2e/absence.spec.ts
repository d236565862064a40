// Somebody is away while more is said than one page of the archive holds, to
// them and in a room: all of it is there when they are back, in order, once.

import { leftovers } from "./support/storage.ts";
import { send } from "./support/stream.ts";
import { enterRoom, expect, joinRoom, makeRoom, names, type Person, test } from "./support/test.ts";

const COUNT = 105; // Converse asks for 50 at a time

const all = Array.from({ length: COUNT }, (_, i) => `message ${i + 1}.`);

const patience = { timeout: 60_000 }; // a browser has to show all of it

/** Waits until a browser that takes in a lot of messages has a moment for its person. */
const calm = (person: Person) => person.page.evaluate(() => new Promise((resolve) => requestIdleCallback(resolve)));

/** Messages as a client sends them. */
const messages = (to: string, type: string) =>
  all.map((text, i) => `<message xmlns="jabber:client" to="${to}" type="${type}" id="${type}-${i}"><body>${text}</body></message>`);

/**
 * Looks through the whole conversation, of which the first message was said before
 * the person left. The chat shows some hundred messages at a time: the first of
 * them after scrolling up, and after scrolling down the last.
 */
async function expectAll(person: Person, before: string): Promise<void> {
  const said = [before, ...all];
  await expect(person.message(all.at(-1)!)).toHaveCount(1, patience);
  const scrollTo = async (step: number, part: (n: number) => string[]) => {
    await person.page.locator("#chat converse-chat-message").first().hover(patience);
    await expect(async () => {
      await person.page.mouse.wheel(0, -step / 10); // at the end of what it shows, nothing would move
      await person.page.mouse.wheel(0, step);
      const shown = await person.conversation();
      expect(shown).toEqual(part(shown.length));
      expect(shown.length).toBeGreaterThan(said.length / 2); // both parts are all of it
    }).toPass(patience);
  };
  await scrollTo(-3000, (n) => said.slice(0, n));
  await scrollTo(3000, (n) => said.slice(-n));
}

test("all that was said while bob was away", async ({ alice, visit, database }) => {
  test.setTimeout(300_000);
  const bob = await visit("bob");
  await bob.signIn({ trusted: true });
  await makeRoom(alice, "Book club");
  const room = await alice.page.getByRole("button", { name: "Open Book club" }).getAttribute("data-room");
  await joinRoom(bob, "Book club");
  await bob.say("See you next week");
  await bob.talkTo("alice");
  await bob.say("I am off");
  await alice.talkTo("bob");
  await alice.hears("I am off");
  await bob.signOut(); // the session ends; on a trusted device the browser keeps what it had
  await expect.poll(() => leftovers(bob)).toContainEqual(expect.stringMatching(/^converse-persistent/));

  alice.watch.allow(/favicon.ico/);
  await alice.page.goto("/metrics"); // she goes on with another client
  await send(alice, messages("bob@localhost", "chat"));
  await send(alice, [
    `<presence xmlns="jabber:client" to="${room}/${names.alice}"><x xmlns="http://jabber.org/protocol/muc"/></presence>`,
    ...messages(room!, "groupchat"),
  ]);
  expect(await database.archived("bob")).toEqual(["I am off", ...all]);

  await bob.signIn({ trusted: true });
  await calm(bob);
  await bob.talkTo("alice");
  await expectAll(bob, "I am off");
  await bob.page.goto("/");
  await bob.ready();
  await enterRoom(bob, "Book club");
  await expectAll(bob, "See you next week");

  // Once the device is not trusted any more, nothing stays, also of what was kept before.
  await bob.signOut();
  await bob.signIn();
  await bob.signOut();
  await expect.poll(() => leftovers(bob)).toEqual([]);
});
