// What people write, however it came into the composer, and what becomes of it until it
// is sent.

import type { Locator } from "@playwright/test";
import { violations } from "./support/axe.ts";
import { attach, choose as chooseFiles, expectShown, images, picture, tray } from "./support/files.ts";
import { Finger } from "./support/finger.ts";
import { bubble, choose, expectReactions } from "./support/messages.ts";
import { comeToRest } from "./support/rest.ts";
import { chooseAbove, panel } from "./support/rooms.ts";
import { enterRoom, expect, inBothThemes, makeRoom, names, type Person, test } from "./support/test.ts";

// characters that XML forbids are left out; a document's line break is one.
const pasted = "from a document\u000Bnext line\u0007\uFFFE end";
const sent = "from a document\nnext line end";

// What people type is what they say: nothing is done by a command, and nothing is lost.
const commands = [`/kick ${names.bob}`, `/ban ${names.bob}`, "/nick Somebody else", "/topic Poems", "/help", "/clear", "/destroy", "/close", "/etc/hosts is broken"];

test("what was typed, completed or pasted is what is sent, in a room and in a chat", async ({ alice, visit, database }) => {
  await makeRoom(alice, "Book club");
  const bob = await visit("bob");
  await bob.signIn();
  await enterRoom(bob, "Book club");
  await test.step("what begins with a slash is sent as it is", async () => {
    for (const text of commands) await alice.say(text);
    await bob.hears(commands.at(-1)!);
    expect(await bob.conversation()).toEqual(commands);
    await bob.type("/me waves");
    await expect(alice.message("waves")).toHaveText("waves"); // as what he does
    const line = alice.page.locator("#chat .chat-msg--action");
    await expect(line.locator(".chat-msg__author")).toHaveText(bob.name);
    const [who, what, when] = await Promise.all([".chat-msg__author", ".chat-msg__text", ".chat-msg__time"].map(async (part) => (await line.locator(part).boundingBox())!.x));
    expect(who! < what! && what! < when!, "who, what, when").toBe(true);
  });
  await test.step("names and emoji are completed as they are typed", () => complete(alice, bob));
  await test.step("text from a document is sent, and set as a topic", async () => {
    await alice.type(pasted);
    await bob.hears("next line");
    await setTopic(alice, pasted);
    await expect(bob.page.locator("#chat .chat-head__desc")).toContainText("next line");
    await alice.page.keyboard.press("Escape"); // the panel
    await chooseAbove(alice, "Hide topic");
  });

  await alice.talkTo("bob");
  await bob.talkTo("alice");
  await test.step("text from a document is sent and corrected", async () => {
    await alice.type(pasted);
    for (const person of [alice, bob]) await person.hears("next line");
    await expect(alice.input()).toHaveValue("");
    await choose(alice, "next line", "Edit");
    await alice.type(`${pasted}!`);
    await bob.hears("end!");
    expect(await database.archived("bob")).toEqual([sent, `${sent}!`]);
  });
  await test.step("what begins with a slash is sent as it is, to one person as well", async () => {
    for (const text of commands) await alice.say(text);
    expect((await alice.conversation()).slice(1)).toEqual(commands);
  });
  await test.step("Enter sends, Shift+Enter breaks, the field grows to eight lines, and ↑ edits what was said last", () => writeLines(alice, bob));
});

async function complete(alice: Person, bob: Person): Promise<void> {
  const { page } = alice;
  const offers = page.getByRole("listbox", { name: "Suggestions" });
  await bob.say("Anybody?");
  await alice.hears("Anybody?");
  await alice.input().pressSequentially("Yes, @bak");
  await expect(offers.getByRole("option", { selected: true })).toHaveText(names.bob);
  await page.keyboard.press("Enter");
  await expect(alice.input()).toHaveValue(`Yes, @${names.bob} `);
  await alice.input().pressSequentially(":sparkles");
  await expect(offers.getByRole("option").first()).toContainText("sparkles");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Tab");
  await expect(alice.input()).toHaveValue(`Yes, @${names.bob} ✨ `);
  await alice.input().pressSequentially(":sm");
  await expect(offers).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(offers).toBeHidden();
  await expect(alice.input()).toBeFocused();
  await alice.input().fill(`Yes, @${names.bob} ✨`);
  await page.keyboard.press("Enter");
  await bob.hears("✨");
  await expect(bob.page.locator("#chat .message.mentioned").filter({ hasText: "✨" })).toBeVisible();
  for (const emoji of ["🎉🎉", "❤️ 🎉👍🏽"]) {
    await alice.say(emoji);
    for (const { page } of [alice, bob]) await expect(page.locator("#chat .chat-msg__text--larger").last()).toHaveText(emoji);
  }
}

test("who is named is marked where they are: among words in bold, in an answer, and after an edit", async ({ alice, visit }) => {
  await makeRoom(alice, "Garden");
  const bob = await visit("bob");
  await bob.signIn();
  await enterRoom(bob, "Garden");
  const marked = async (text: string, bold: string[]) => {
    for (const person of [alice, bob]) {
      const message = bubble(person, text).last();
      await expect(message.locator(".mention")).toHaveText([names.bob]);
      await expect(message.locator("b")).toHaveText(bold);
    }
    await expect(bob.page.locator("#chat .message.mentioned").filter({ hasText: text })).toBeVisible();
  };
  await alice.type(`*All* hands: @${names.bob}, come *now*`);
  await bob.hears("hands");
  await marked("hands", ["All", "now"]);
  await choose(bob, "hands", "Reply");
  await bob.say("Where to?");
  await alice.hears("Where to?");
  await choose(alice, "Where to?", "Reply");
  await alice.type(`To the shed, @${names.bob}, by the *gate*`);
  await bob.hears("shed");
  await marked("shed", ["gate"]);
  await alice.page.keyboard.press("ArrowUp");
  await expect(alice.input()).toHaveValue(`To the shed, @${names.bob}, by the *gate*`);
  await alice.type(`To the big shed, @${names.bob}, by the *gate*`);
  await bob.hears("big shed");
  await marked("big shed", ["gate"]);
});

async function setTopic(person: Person, topic: string): Promise<void> {
  await person.page.locator("#chat .head-name").click();
  await panel(person).getByRole("button", { name: "Change: Topic" }).click();
  await panel(person).getByLabel("Topic").fill(topic);
  await panel(person).getByRole("button", { name: "Save" }).click();
}

async function writeLines(alice: Person, bob: Person): Promise<void> {
  const { page } = alice;
  await alice.input().pressSequentially("first line");
  await page.keyboard.press("Shift+Enter");
  await alice.input().pressSequentially("second *line*");
  await expect(page.locator("#chat .styled--strong")).toHaveText("*line*"); // XEP-0393
  await expect(page.locator(".composer-styling")).toHaveText(/first line\s+second \*line\*/);
  await page.keyboard.press("Enter");
  await bob.hears("first line");
  await bob.hears("second");

  const lines = (count: number) => Array.from({ length: count }, (_, i) => `line ${i}`).join("\n");
  const height = async (text: string) => (await alice.input().fill(text), (await alice.input().boundingBox())!.height);
  const one = await height("x");
  const eight = await height(lines(8));
  expect(Math.round((eight - one) / 7)).toBeGreaterThan(15);
  expect(await height(lines(30))).toBeLessThanOrEqual(eight + 1);

  await alice.input().fill("");
  await page.keyboard.press("ArrowUp");
  await expect(alice.input()).toHaveValue(/second/);
  await expect(page.getByText("Editing a message")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(alice.input()).toHaveValue("");
  await page.keyboard.press("ArrowUp");
  await alice.input().fill("better");
  await page.keyboard.press("Enter");
  await bob.hears("better");
  await expect(bob.message("second")).toHaveCount(0);
}

test("what is begun is kept until it is sent: through an edit, on other pages, after a reload, on a dead connection", async ({ alice, database }) => {
  await alice.talkTo("bob");
  await test.step("what is edited and what is answered have the focus, and give back what was begun", () => editAndAnswer(alice));
  await test.step("what is written while a page starts on a dead connection stands in sight, and is sent", async () => {
    await startOnDeadConnection(alice);
    await alice.type("is it working?");
    await expect(alice.input()).toHaveValue("");
    await expect(alice.input()).toBeEnabled();
    await expect(tray(alice).or(alice.message("is it working?"))).toBeVisible();
    await expect.poll(() => database.archived("bob"), { timeout: 60_000 }).toEqual(["Two loaves", "is it working?"]);
    await alice.hears("is it working?");
    await expect(tray(alice)).toHaveCount(0);
  });
  await test.step("a draft stays with its conversation, on other pages and after a reload, and is marked in the list", () => keepDrafts(alice));
});

async function editAndAnswer(alice: Person): Promise<void> {
  const { page } = alice;
  const preview = page.locator("#chat .reply-preview");
  await alice.say("Two loaves");
  await alice.input().fill("half a thought");
  await choose(alice, "Two loaves", "Edit");
  await expect(alice.input()).toHaveValue("Two loaves"); // without a question: nothing is lost
  await expect(alice.input()).toBeFocused();
  await page.keyboard.type(" please");
  await expect(alice.input()).toHaveValue("Two loaves please");
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  await expect(alice.input()).toHaveValue("half a thought");
  await expect(alice.input()).toBeFocused();

  for (const cancel of [() => page.keyboard.press("Escape"), () => page.getByTitle("Cancel reply").click()]) {
    await choose(alice, "Two loaves", "Reply");
    await expect(preview).toBeVisible();
    await cancel();
    await expect(preview).toHaveCount(0);
    await expect(alice.input()).toBeFocused();
  }
  await expect(alice.input()).toHaveValue("half a thought");

  await choose(alice, "Two loaves", "Delete");
  const question = page.getByRole("dialog", { name: "Delete this message?" });
  await expect(question).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(question).toHaveCount(0);
  await expect(alice.input()).toBeFocused(); // the menu that led there is closed

  await choose(alice, "Two loaves", "Delete");
  await expect(question).toBeVisible();
  await page.locator("body").dispatchEvent("keydown", { key: "Escape" }); // as where the focus has not come to it yet
  await expect(question).toHaveCount(0);

  // Enter presses the button that has the focus, and once the question is gone, it is as it was before.
  await choose(alice, "Two loaves", "Delete");
  await question.getByRole("button", { name: "Cancel" }).focus();
  await page.keyboard.press("Enter");
  await expect(question).toHaveCount(0);
  await expect(alice.message("Two loaves")).toBeVisible();
  await alice.input().fill("one");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("two");
  await expect(alice.input()).toHaveValue("one\ntwo");

  await alice.input().fill("");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.type("!");
  await expect(alice.input()).toHaveValue("Two loaves!");
  await page.keyboard.press("Escape");
  await expect(alice.input()).toHaveValue("");
}

test("what is edited or answered is what was when Send was pressed, with files beside it and while others are under way", async ({ alice, visit, database }) => {
  await makeRoom(alice, "Bakery");
  const bob = await visit("bob");
  await bob.signIn();
  await enterRoom(bob, "Bakery");
  await test.step("in a room", () => answerWithFiles(alice, bob));
  await alice.talkTo("bob");
  await bob.talkTo("alice");
  await test.step("between two", () => answerWithFiles(alice, bob));
  await test.step("a file beside an edit, and an edit while a file is under way", () => editBesideFiles(alice, bob));
  const texts = await database.archived("bob");
  expect(texts.filter((text) => /loaves/.test(text))).toEqual(["Two loaves", "Three loaves", "Four loaves", "Five loaves"]);
  await test.step("what waits is an answer after a reload as well", () => answerAfterReload(alice, bob));
});

/** What a message of the chat that is open answers, as it is shown above it. */
const answeredBy = (message: Locator): Locator => message.locator("xpath=ancestor::converse-chat-message").locator(".chat-msg__reply-text");

async function answerWithFiles(alice: Person, bob: Person): Promise<void> {
  await bob.say("Any pictures?");
  await alice.hears("Any pictures?");
  await startReply(alice, "Any pictures?");
  await attach(alice, await picture(alice, "oven.png"));
  await expect(alice.page.locator("#chat .reply-preview")).toHaveCount(0);
  const oven = (person: Person) => images(person).and(person.page.locator('[src*="oven.png"]'));
  for (const person of [alice, bob]) {
    await expectShown(oven(person));
    await expect(answeredBy(oven(person))).toHaveText("Any pictures?");
  }
  await alice.say("That was the oven");
  await bob.hears("That was the oven");
  await expect(answeredBy(bob.message("That was the oven"))).toHaveCount(0);

  await bob.say("Of the front?");
  await alice.hears("Of the front?");
  await startReply(alice, "Of the front?");
  await chooseFiles(alice, await picture(alice, "shop.png"));
  await alice.type("Here it is");
  await bob.hears("Here it is");
  await expect(answeredBy(bob.message("Here it is"))).toHaveText("Of the front?");
  const shop = images(bob).and(bob.page.locator('[src*="shop.png"]'));
  await expectShown(shop);
  await expect(answeredBy(shop)).toHaveCount(0);
}

async function startReply(person: Person, text: string): Promise<void> {
  await choose(person, text, "Reply");
  await expect(person.page.locator("#chat .reply-preview")).toContainText(text);
}

async function editBesideFiles(alice: Person, bob: Person): Promise<void> {
  const { page } = alice;
  const note = (name: string) => ({ name, mimeType: "text/plain", buffer: Buffer.from(name) });
  const card = (name: string) => bob.page.locator("#chat .file-card").filter({ hasText: name });
  await alice.say("Two loaves");
  await bob.hears("Two loaves");
  await choose(alice, "Two loaves", "Edit");
  await expect(alice.input()).toHaveValue("Two loaves");
  await chooseFiles(alice, note("beside.txt"));
  await alice.type("Three loaves");
  await bob.hears("Three loaves");
  await expect(bob.message("Two loaves")).toHaveCount(0);
  await expect(card("beside.txt")).toBeVisible();

  let go = () => {};
  const goes = new Promise<void>((resolve) => (go = resolve));
  await alice.context.route(/\/upload\/.*slow/, (route) => void goes.then(() => route.continue()));
  await attach(alice, note("slow.txt"));
  await expect(tray(alice).getByRole("progressbar")).toBeVisible();
  await choose(alice, "Three loaves", "Edit");
  await alice.type("Four loaves");
  await bob.hears("Four loaves"); // an edit waits for no file
  await expect(alice.message("Three loaves")).toHaveCount(0);
  await page.keyboard.press("ArrowUp");
  await expect(alice.input()).toHaveValue("Four loaves");
  await alice.input().fill("Five loaves");
  go();
  await expect(card("slow.txt")).toBeVisible();
  await expect(tray(alice)).toHaveCount(0);
  await expect(alice.input()).toHaveValue("Five loaves");
  await expect(bob.message("Four loaves")).toBeVisible();
  await page.keyboard.press("Enter");
  await bob.hears("Five loaves");
  await expect(bob.message("Four loaves")).toHaveCount(0);
  await expect(card("slow.txt")).toBeVisible();
}

async function answerAfterReload(alice: Person, bob: Person): Promise<void> {
  await alice.context.route(/\/upload\/.*never/, () => {}); // no answer
  alice.watch.allow(/never/);
  await bob.say("And when?");
  await alice.hears("And when?");
  await startReply(alice, "And when?");
  await chooseFiles(alice, { name: "never.txt", mimeType: "text/plain", buffer: Buffer.from("x") });
  await alice.type("In a moment");
  await expect(tray(alice)).toContainText("In a moment");
  await alice.page.reload();
  await expect(alice.input()).toHaveValue("In a moment");
  await expect(alice.page.locator("#chat .reply-preview")).toContainText("And when?");
  await alice.input().press("Enter");
  await bob.hears("In a moment");
  await expect(answeredBy(bob.message("In a moment"))).toHaveText("And when?");
}

// nothing tells a page that the stream on which it starts is dead. What Converse waits for
// then never comes, and it took nothing more.
async function startOnDeadConnection(alice: Person): Promise<void> {
  let streams = 0;
  await alice.context.routeWebSocket(/\/xmpp-websocket/, (page) => {
    const server = page.connectToServer();
    const first = streams++ === 0;
    let sent = 0;
    const dead = () => first && sent >= 8;
    page.onMessage((message) => (sent++, dead() ? undefined : server.send(message)));
    server.onMessage((message) => (dead() ? undefined : page.send(message)));
  });
  await alice.page.reload();
}

async function keepDrafts(alice: Person): Promise<void> {
  const { page } = alice;
  await alice.input().fill("half a *thought");
  await page.goto("/chat/with/carol"); // no pause, and no way out that a script could have seen but the page's end
  await expect(alice.listed(names.bob)).toContainText("Draft: half a *thought");
  await alice.input().fill("another");
  await alice.talkTo("bob");
  await expect(alice.input()).toHaveValue("half a *thought");
  const tab = await alice.newTab();
  await tab.page.goto("/chat/with/carol");
  await expect(tab.input()).toHaveValue("another");
  await tab.page.close();
  await alice.input().press("Enter");
  await alice.hears("half a *thought");
  await page.goto("/chat/with/carol");
  await expect(alice.input()).toHaveValue("another");
  await expect(alice.listed(names.bob)).not.toContainText("Draft:");

  // On a device that is not trusted it goes with everything else, also what is in a composer of another tab.
  const other = await alice.newTab();
  await other.page.goto("/chat/with/bob");
  await other.ready();
  await other.input().fill("in another tab");
  await expect(alice.listed(names.bob)).toContainText("Draft: in another tab");
  for (const each of [alice, other]) each.watch.allow(/401/); // how a tab learns that it is signed out
  await alice.signOut();
  await expect(other.page).toHaveURL(/\/signin/);
  await other.page.waitForLoadState("load"); // its first act is to forget
  await expect.poll(() => page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("foyer-drafts")))).toEqual([]);
}

/** A finger that rests on a message brings what can be done with it, from below; one that taps or scrolls, as the test's has by now, brings nothing. */
async function byFinger(alice: Person, finger: Finger): Promise<void> {
  const { page } = alice;
  const said = bubble(alice, "Good").locator(".chat-msg__text");
  const sheet = page.getByRole("dialog", { name: "Message actions" });
  const rest = async () => {
    await finger.rest(said);
    await expect(sheet).toBeVisible();
    await finger.lift();
  };
  await expect(sheet).toHaveCount(0);
  await finger.lift();

  await rest();
  await sheet.getByRole("button", { name: "👍" }).tap();
  await expect(sheet).toHaveCount(0);
  await expectReactions(alice, "Good", ["👍 1"]);

  await rest();
  await expect(sheet.locator(".message-sheet__who")).toHaveText(["👍 You"]);
  await finger.draw(sheet.getByText(names.bob), 200);
  await finger.lift();
  await expect(sheet).toHaveCount(0);
  await expect(page.locator("#person-card[open]")).toHaveCount(0);

  await alice.input().focus();
  await rest();
  await inBothThemes(page, async (theme) => expect(await violations(page, theme), theme).toEqual([]));
  await page.keyboard.press("Escape");
  await expect(sheet).toHaveCount(0);
  await expect(alice.input()).toBeFocused();

  await alice.input().blur();
  await rest();
  await sheet.getByRole("button", { name: "Reply" }).tap();
  await expect(page.locator("#chat .reply-preview")).toBeVisible();
  await expect(alice.input()).toBeFocused();
  await page.getByTitle("Cancel reply").click();
}

/** The letters twice as large, by the browser's setting: there is room to write. */
async function withLargeLetters(alice: Person): Promise<void> {
  const browser = await alice.context.newCDPSession(alice.page);
  await browser.send("Page.setFontSizes", { fontSizes: { standard: 32 } });
  await expect.poll(async () => (await alice.input().boundingBox())!.width).toBeGreaterThan(200);
  await browser.detach();
}

/** Takes somebody through what the composer can be, and looks at each. */
async function eachState(person: Person, other: Person, words: string, look: (name: string) => Promise<void>): Promise<void> {
  const { page } = person;
  await person.input().fill("Hello *strong* and _emphasis_, ~gone~ and `code here`\n> quoted *words*\n```\nfenced\n```\nnormal");
  await look("styled");
  await person.input().fill("");
  await person.input().pressSequentially(":smil");
  await expect(page.getByRole("option").first()).toBeVisible();
  await look("emoji");
  await person.input().fill("");
  await chooseFiles(
    person,
    await picture(person, "page.png"),
    { name: "a document with quite a long name.pdf", mimeType: "application/pdf", buffer: Buffer.alloc(40_000) },
    { name: "huge.bin", mimeType: "application/octet-stream", buffer: Buffer.alloc(500_001) },
  );
  await expect(tray(person).getByRole("alert")).toHaveText("It is too large: the limit is 500 kB.");
  await person.input().fill(words);
  await look("files");
  await person.input().press("Enter");
  await other.hears(words); // what cannot be sent is in nobody's way
  await look("failed");
  await tray(person).getByRole("button", { name: "Remove: huge.bin" }).click();
  await page.keyboard.press("ArrowUp");
  await expect(page.getByText("Editing a message")).toBeVisible();
  await look("editing");
  await page.keyboard.press("Escape");
}

const phone = { viewport: { width: 390, height: 844 }, reducedMotion: "reduce", hasTouch: true } as const;
const desk = { viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" } as const;

test.describe("where files are small", () => {
  test.use({ settings: { UPLOAD_MAX_SIZE: "500KB" } });

  test("the composer can be read and worked in each of its states, on a phone and, in the dark, at a desk", async ({ visit }, info) => {
    const [alice, bob] = [await visit("alice", { contextOptions: phone }), await visit("bob", { contextOptions: { ...desk, colorScheme: "dark" } })];
    for (const person of [alice, bob]) await person.signIn();
    const looker = ({ page }: Person, theme: "light" | "dark") => async (name: string) => {
      await page.emulateMedia({ colorScheme: theme });
      await page.evaluate(comeToRest);
      expect(await violations(page, theme, ".bottom-panel, converse-chat-bottom-panel"), `${name}, ${theme}`).toEqual([]);
      await page.screenshot({ path: info.outputPath(`${name}-${theme}.png`) });
    };
    await bob.talkTo("alice");
    await bob.say("Good *morning*");
    await alice.talkTo("bob");
    await alice.hears("Good");
    await expect(alice.page.locator("#chat .message.separator", { hasText: "New messages" })).toBeVisible(); // it moves what is below
    const [look, lookInTheDark] = [looker(alice, "light"), looker(bob, "dark")];

    await alice.input().blur();
    const finger = await Finger.on(alice.page);
    const said = bubble(alice, "Good").locator(".chat-msg__text");
    await finger.tap(said);
    await finger.draw(said, 40); // and stays there
    await look("empty");
    await byFinger(alice, finger); // while all that was said is in sight
    await eachState(alice, bob, "Here they are", look);
    await withLargeLetters(alice);

    await bob.input().blur();
    await lookInTheDark("empty");
    await eachState(bob, alice, "And these are mine", lookInTheDark);
  });
});
