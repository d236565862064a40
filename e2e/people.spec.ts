// People are shown by name and picture; nobody meets an address or a word of the
// protocol, wherever they click.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Locator } from "@playwright/test";
import { Finger } from "./support/finger.ts";
import { expectPlain } from "./support/plain.ts";
import { chooseAbove } from "./support/rooms.ts";
import { enterRoom, expect, makeRoom, names, type Person, screens, test } from "./support/test.ts";

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

// in a browser that speaks another language, too.
test.describe("in a browser that speaks German", () => {
  test.use({ contextOptions: { viewport: { width: 1440, height: 900 }, hasTouch: true, locale: "de-DE", reducedMotion: "reduce" } });

  test("people are shown by their names, in conversations, in rooms, and in every dialog", async ({ visit }) => {
    const [alice, bob] = [await visit("alice"), await visit("bob")];
    await alice.signIn();
    await makeRoom(alice, "Book club");
    await bob.signIn();
    await test.step("in a conversation", () => conversation(alice, bob));
    await test.step("in a room, to those who look after it and to others", () => room(alice, bob));
    await test.step("in every dialog of the site's own, on a phone", () => everyDialog(alice));
  });
});

async function conversation(alice: Person, bob: Person): Promise<void> {
  await bob.talkTo("alice");
  await alice.goTo("Chat");
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
}

async function room(alice: Person, bob: Person): Promise<void> {
  await alice.listed("Book club").click();
  await enterRoom(bob, "Book club");
  await bob.goTo("Chat");
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
}

/** The site's own dialogs, by id or class, as its sources have them. */
function dialogsOfTheSite(): string[] {
  const root = join(import.meta.dirname, "..");
  const files = ["views", "static/js"].flatMap((part) => readdirSync(join(root, part), { recursive: true, encoding: "utf8" }).map((name) => join(root, part, name)));
  const texts = files.filter((name) => /\.(html|js)$/.test(name)).map((name) => readFileSync(name, "utf8"));
  const found = texts.flatMap((text) => [...text.matchAll(/<dialog id="([\w-]+)"|\('dialog'\)?, \{ (?:id|className): '([\w-]+)'/g)].map(([, id, created]) => id ?? created!));
  expect(found.length, "dialogs that have a name").toBe(texts.flatMap((text) => text.match(/<dialog\b|\('dialog'/g) ?? []).length);
  return found.sort();
}

async function everyDialog(alice: Person): Promise<void> {
  const { page } = alice;
  await page.setViewportSize(screens.phone);
  await page.goto("/chat");
  await alice.ready();
  await page.getByRole("button", { name: "Back to the list" }).click();
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
      await finger.rest(alice.message("hello, Alice"));
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
}

// wherever a name stands.
test("who is named in a message has a card there, by a press and by the keyboard", async ({ alice, visit }) => {
  await makeRoom(alice, "Book club");
  const bob = await visit("bob");
  await bob.signIn();
  await enterRoom(bob, "Book club");
  await alice.type(`Over to you, @${names.bob} ✨`);
  for (const [person, whose] of [[alice, names.bob], [bob, you(bob)]] as const) {
    const { page } = person;
    const name = page.locator("#chat .chat-msg__text").getByRole("button", { name: `@${names.bob}`, exact: true });
    const heading = page.locator("#person-card[open]").getByRole("heading", { level: 2 });
    await expect(page.locator("#chat .mention")).toHaveText([names.bob]);
    for (const open of [() => name.click(), () => name.press("Enter"), () => name.press("Space")]) {
      await open();
      await expect(heading).toHaveText(whose);
      await page.keyboard.press("Escape");
      await expect(heading).toHaveCount(0);
      await expect(name).toBeFocused();
    }
  }
});

// wherever a picture or a name stands.
test("on the pages, a person's picture and name open their card, by a press and by the keyboard", async ({ alice, browser }) => {
  const { page } = alice;
  const card = page.locator("#person-card[open]");
  const row = page.locator('main .person[data-jid="bob@localhost"]');
  const name = row.getByRole("button", { name: `About ${names.bob}` });
  const closed = async () => {
    await page.keyboard.press("Escape");
    await expect(card).toHaveCount(0);
    await expect(name).toBeFocused();
    await expect.poll(() => page.evaluate(() => history.state?.above ?? 0), "on a phone the card's own entry in the browser's history is left").toBe(0);
  };
  for (const [screen, size] of Object.entries(screens)) {
    await page.setViewportSize(size);
    for (const path of ["Home", "People"] as const) {
      await test.step(`${path}, ${screen}`, async () => {
        await page.goto(path === "Home" ? "/" : "/people");
        await expect(name).toBeVisible();
        await expect(name).toHaveText(names.bob);
        await name.focus();
        for (const key of ["Enter", "Space"]) {
          await page.keyboard.press(key);
          await expect(card.getByRole("heading", { level: 2 })).toHaveText(names.bob);
          await closed();
        }
        for (const part of [".portrait", ".name"]) {
          const box = (await row.locator(part).boundingBox())!;
          await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
          await expect(card.getByRole("heading", { level: 2 })).toHaveText(names.bob);
          await expectPlain(alice);
          await closed();
        }
        await page.keyboard.press("Tab");
        await expect(alice.messageButton("bob")).toBeFocused();
      });
    }
  }
  await alice.messageButton("bob").click();
  await expect(alice.input()).toBeVisible();
  await expect(card).toHaveCount(0);

  await test.step("without JavaScript it is as it was, in the same place", async () => {
    const plain = await browser.newContext({ javaScriptEnabled: false, storageState: await alice.context.storageState(), viewport: screens.wide });
    const still = await plain.newPage();
    await page.setViewportSize(screens.wide);
    for (const path of ["/people", "/"]) {
      for (const each of [page, still]) await each.goto(new URL(path, page.url()).href);
      await expect(name).toBeVisible();
      const places = (of: typeof page) => of.locator("main .person[data-jid]").evaluateAll((rows) => rows.map((each) => {
        const [whole, name] = [each, each.querySelector(".name")!].map((part) => part.getBoundingClientRect());
        return [whole!.height, name!.x - whole!.x, name!.y - whole!.y, name!.height].map(Math.round);
      }));
      await expect(still.locator("main .person[data-jid] button.name")).toHaveCount(0);
      await expect(still.locator('main .person[data-jid="bob@localhost"] .name')).toHaveText(names.bob);
      expect(await places(page)).toEqual(await places(still));
    }
    await plain.close();
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
    for (const [person, other] of [[alice, "bob"], [bob, "alice"]] as const) {
      const home = () => person.page.evaluate(() => fetch("/").then((answer) => answer.text()));
      await expect.poll(home, "the site has heard that they are contacts").toContain(`data-jid="${other}@localhost"`);
      await person.goTo("Home");
      await expect(person.around(other)).toHaveText("Around");
    }
  });

  test("a page that stays open shows that somebody said yes", async ({ visit }) => {
    const [alice, bob] = [await visit("alice"), await visit("bob")];
    await alice.openSite();
    await alice.ready();
    await alice.page.getByRole("button", { name: `Ask ${names.bob} to be your contact` }).click();
    const row = alice.page.locator(".person", { hasText: names.bob });
    await expect(row).toContainText("Asked to be your contact");
    await bob.openSite();
    await bob.ready();
    await alice.goTo("Home");
    await alice.ready();
    await bob.page.getByRole("button", { name: `Accept ${names.alice}` }).click();
    await expect(alice.around("bob")).toHaveText("Around");
    await alice.messageButton("bob").click();
    await expect(alice.input()).toBeVisible();
  });
});
