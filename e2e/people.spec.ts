// People are shown by name and picture; nobody meets an address or a word of the
// protocol, wherever they click.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Locator } from "@playwright/test";
import { Finger } from "./support/finger.ts";
import { unmet } from "./support/glossary.mjs";
import { chooseAbove, moderate } from "./support/rooms.ts";
import { expect, joinRoom, makeRoom, names, type Person, test } from "./support/test.ts";

/** What docs/GLOSSARY.md says that nobody meets. */
const forbidden = unmet();

/** Everything that the chat says, what shows on hovering and what is read aloud included. */
async function expectPlain(person: Person): Promise<void> {
  const said = await person.page.locator("#chat, dialog[open]").evaluateAll((parts) => {
    const attributes = ["title", "aria-label", "placeholder", "alt"];
    const hidden = parts.flatMap((part) => [...part.querySelectorAll("*")]).flatMap((element) => attributes.map((name) => element.getAttribute(name) ?? ""));
    return [...parts.map((part) => (part as HTMLElement).innerText), ...hidden].join("\n");
  });
  expect(said).not.toContain("@");
  expect(said).not.toMatch(forbidden);
}

/** Opens a person's card, looks at it, and closes it with Escape, which gives the focus back. */
async function lookAt(person: Person, open: Locator, name: string): Promise<void> {
  await open.click();
  const card = person.page.locator("#person-card[open]");
  await expect(card.getByRole("heading", { level: 2 })).toHaveText(name);
  await expectPlain(person);
  await person.page.keyboard.press("Escape");
  await expect(card).toHaveCount(0);
}

const you = (person: Person) => `${person.name} (you)`;

//
for (const locale of ["en-GB", "de-DE"]) test.describe(`dialogs, in a browser that speaks ${locale}`, () => {
  test.use({ locale, contextOptions: { viewport: { width: 1440, height: 900 }, locale } });

  test("of a conversation", async ({ alice, bob }) => {
    await bob.talkTo("alice");
    await alice.page.goto("/chat");
    await alice.ready();
    await alice.talkTo("bob");
    await alice.say("hello");
    await bob.say("hello, Alice");
    await alice.hears("hello, Alice");
    await expect(alice.page.locator("#chat .date-separator time").first()).toHaveText("Today"); // in the language of the page
    const author = alice.page.locator("#chat .chat-msg__author a");
    await lookAt(alice, author.filter({ hasText: names.bob }), names.bob);
    await lookAt(alice, author.filter({ hasText: names.alice }), you(alice));
    await lookAt(alice, alice.page.locator("#chat .chat-msg .show-msg-author-modal converse-avatar").last(), names.bob);
    await lookAt(alice, alice.page.locator("#chat converse-chat .chat-head .show-msg-author-modal").first(), names.bob);
    await expectPlain(bob);
  });

  test("of a room, for those who look after it and for others", async ({ alice, bob }) => {
    await makeRoom(alice, "Book club");
    await joinRoom(bob, "Book club");
    for (const person of [alice, bob]) {
      await person.page.goto("/chat");
      await person.ready();
      await expect(person.room("Book club")).toBeVisible();
    }
    await alice.say("Welcome");
    await bob.say("Thanks");
    await alice.hears("Thanks");
    for (const [person, other] of [[alice, names.bob], [bob, names.alice]] as const) {
      await expectPlain(person);
      await lookAt(person, person.page.locator("#chat .chat-msg__author a").filter({ hasText: other }), other);
      await lookAt(person, person.page.locator("#chat .chat-msg__author a").filter({ hasText: person.name }), you(person));
      await person.page.getByRole("button", { name: "Members", exact: true }).click();
      const members = person.page.locator("#room-panel .room-person");
      await lookAt(person, members.filter({ hasText: other }), other);
      await lookAt(person, members.filter({ hasText: person.name }), you(person));
      const menu = person.page.locator("#chat .chat-head converse-dropdown");
      await menu.locator(".dropdown-toggle").click();
      await expectPlain(person);
      await menu.locator(".dropdown-toggle").click();
    }

    for (const tab of ["About", "Files", "Settings"]) {
      await alice.page.getByRole("tab", { name: tab }).click();
      await expect(alice.page.locator(`#room-panel .room-panel__part--${tab.toLowerCase()}`)).toBeVisible();
      await expectPlain(alice);
    }
    await expect(alice.page.getByLabel("Only people who are invited")).toBeVisible();
    await expectPlain(alice);
    await chooseAbove(alice, "Members");
    await expect(alice.page.getByRole("tab", { name: "Members" })).toHaveAttribute("aria-selected", "true");
    await expectPlain(alice);
  });

  test("of what moderators do", async ({ alice, bob }) => {
    await makeRoom(alice, "Book club");
    await joinRoom(bob, "Book club");
    await chooseAbove(alice, "Settings");
    await alice.page.getByLabel("Only members may write").check();
    await expect(alice.page.locator("#room-panel").getByText("Saved.")).toBeVisible();
    await alice.page.getByRole("tab", { name: "Members" }).click();
    const said = (text: string) => expect(alice.page.locator("#chat converse-muc").getByText(text).last()).toBeVisible();
    for (const [verb, news] of [
      ["Stop them from writing", `${names.bob} has been stopped from writing`],
      ["Let them write", `${names.bob} may write now`],
      ["Make member", `${names.bob} is now a member of this room`],
      ["Make moderator", `${names.bob} is now a moderator of this room`],
      ["Make member", `${names.bob} is no longer a moderator of this room`],
    ] as const) {
      await moderate(alice, names.bob, verb);
      await said(news);
      await expectPlain(bob);
    }
    await moderate(alice, names.bob, "Remove from the room", `Remove ${names.bob} from the room?`);
    await said(`${names.bob} has been removed by ${names.alice}`);
    await expect(bob.page.getByText("You have been removed from this room")).toBeVisible();
    for (const person of [alice, bob]) await expectPlain(person);
  });
});

/** The site's own dialogs, by id or class, as its sources have them. */
function dialogsOfTheSite(): string[] {
  const root = join(import.meta.dirname, "..");
  const files = ["views", "static/js"].flatMap((part) => readdirSync(join(root, part), { recursive: true, encoding: "utf8" }).map((name) => join(root, part, name)));
  const texts = files.filter((name) => /\.(html|js)$/.test(name)).map((name) => readFileSync(name, "utf8"));
  const found = texts.flatMap((text) => [...text.matchAll(/<dialog id="([\w-]+)"|\('dialog'\)?, \{ (?:id|className): '([\w-]+)'/g)].map(([, id, created]) => id ?? created!));
  expect(found.length, "dialogs that have a name").toBe(texts.flatMap((text) => text.match(/<dialog\b|\('dialog'/g) ?? []).length);
  return found.sort();
}

//
test.describe("every dialog of the site's own", () => {
  test.use({ contextOptions: { viewport: { width: 390, height: 844 }, hasTouch: true, reducedMotion: "reduce" } });

  test("shows nobody by an address", async ({ alice, bob }) => {
    await bob.talkTo("alice");
    await bob.say("Good morning");
    await alice.page.goto("/chat");
    await alice.ready();
    const { page } = alice;
    const openers: Record<string, () => Promise<unknown>> = {
      search: () => page.keyboard.press("Control+k"),
      begin: () => page.getByRole("button", { name: "Start a conversation, or make a room" }).click(),
      shortcuts: () => page.keyboard.press("?"),
      "person-card": async () => {
        await alice.talkTo("bob");
        await page.locator("#chat converse-chat .chat-head .show-msg-author-modal").first().click();
      },
      "message-sheet": async () => {
        const finger = await Finger.on(page);
        await finger.rest(alice.message("Good morning"));
        await expect(page.locator("dialog[open]")).toBeVisible();
        await finger.lift();
      },
      viewer: async () => {
        const canvas = () => document.createElement("canvas").toDataURL("image/png").split(",")[1]!;
        await page.locator('input[type="file"]').setInputFiles({ name: "a.png", mimeType: "image/png", buffer: Buffer.from(await page.evaluate(canvas), "base64") });
        await alice.input().press("Enter");
        await page.getByRole("link", { name: "Picture: a.png" }).click();
      },
    };
    expect(Object.keys(openers).sort()).toEqual(dialogsOfTheSite());
    for (const [name, open] of Object.entries(openers)) {
      await open();
      const dialog = page.locator(`dialog[open]:is(#${name}, .${name})`);
      await expect(dialog).toBeVisible();
      await expectPlain(alice);
      await page.keyboard.press("Escape");
      await expect(dialog).toHaveCount(0);
    }
  });
});

// where people are contacts only once they have said yes, a conversation says who is none yet.
test.describe("with a list of contacts of one's own", () => {
  test.use({ settings: { ROSTER: "none" } });

  test("who asks to be a contact, and who is asked, are named", async ({ visit }) => {
    const [alice, bob] = [await visit("alice"), await visit("bob")];
    for (const [person, path] of [[bob, "/chat/with/alice"], [alice, "/chat/with/bob"]] as const) {
      await person.openSite();
      await person.page.goto(path);
      await person.ready();
    }
    const question = alice.page.getByText(`Would you like to add ${names.bob} as a contact?`);
    await expect(question).toBeVisible();
    await expectPlain(alice);
    await question.locator("..").getByRole("button", { name: "Add" }).click();
    await expect(question).toHaveCount(0);
    await expect(alice.page.locator(".modal.show")).toHaveCount(0);
    await expect(bob.page.getByText(`${names.alice} would like to be your contact`)).toBeVisible();
    await expectPlain(bob);
    await bob.page.getByRole("button", { name: "Approve" }).click();
    await expect(bob.page.getByText(`${names.alice} would like to be your contact`)).toHaveCount(0);
    for (const person of [alice, bob]) await expectPlain(person);
    await alice.page.goto("/");
    await expect(alice.around("bob")).toHaveText("Around");
    await bob.page.goto("/");
    await expect(bob.around("alice")).toHaveText("Around");
  });
});
