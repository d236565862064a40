// Reading back through a long conversation: what is in sight stays where it is while older
// messages, pictures and previews come, and nothing is left out.

import type { Database } from "./support/cluster.ts";
import { openTab, startFirefox } from "./support/firefox.ts";
import { answerLate, cardsCame, changeAround, movedBy, type Reading, readThrough, swipe } from "./support/reading.ts";
import { expect, password, type Person, type Site, test } from "./support/test.ts";

const COUNT = 300;
const MANY = 220; // more than are drawn at a time; as with SOME, no picture that is gone is in sight at the end, where its card comes late
const SOME = 80; // more than a page of the archive, and than are drawn at once
const others = ["bob", "carol", "dave"]; // whom alice has conversations with
const MINUTES = 7; // between two messages: some begin with a name, and days pass
const firefoxPath = process.env["FIREFOX"] ?? "";

test.use({ settings: { LINK_PREVIEWS: "true" } });

const screens = { phone: { width: 390, height: 844 }, wide: { width: 1440, height: 900 } };

/** What somebody said: lines and paragraphs, links, answers, and pictures alone and in a row, of which some are gone. */
function said(i: number, whom: string, picture: string): { body: string; more: string } {
  const kind = i % 20;
  const url = kind === 3 ? picture.replace(/[^/]+$/, `none-${i}.png`) : picture;
  if (kind === 3 || kind === 14 || kind === 15) return { body: url, more: `<x xmlns="jabber:x:oob"><url>${url}</url></x>` };
  if (i === COUNT - 2) return { body: `Message ${i} answers`, more: `<reply xmlns="urn:xmpp:reply:0" to="${whom}@localhost/r" id="m${COUNT - 48}"/>` };
  if (kind % 5 === 1) return { body: `Message ${i}, see https://wiki.example.org/page-${i}`, more: "" };
  if (kind === 9) return { body: `Message ${i} answers`, more: `<reply xmlns="urn:xmpp:reply:0" to="${whom}@localhost/r" id="m${i - 6}"/>` };
  return { body: `Message ${i}, with ${"some words in it, ".repeat(1 + ((i * i) % 11))}and an end.`, more: "" };
}

/** A conversation of alice's with somebody. */
async function conversation(database: Database, picture: string, whom: string, from = 1, to = COUNT): Promise<void> {
  const rows = Array.from({ length: to - from + 1 }, (_, index) => {
    const i = from + index;
    const { body, more } = said(i, whom, picture);
    const id = `${(1_790_000_000_000 + i * MINUTES * 60_000).toString(16).padStart(12, "0")}700080000000000${others.indexOf(whom)}${i.toString(16).padStart(4, "0")}`;
    const stanza = `<message xmlns="jabber:client" type="chat" from="${whom}@localhost/r" to="alice@localhost" id="m${i}"><body>${body}</body>${more}</message>`;
    return `('alice@localhost', '${id}'::uuid, '${whom}@localhost', 'r', false, 'm${i}', '${body}', convert_to('${stanza}', 'UTF8'))`;
  });
  await database.script(`INSERT INTO archive (owner, id, peer, resource, outgoing, stanza_id, body, stanza) VALUES ${rows.join(",")}`);
}

/** The path of a picture that the site has. */
async function pictureOf(site: Site): Promise<string> {
  return (await (await fetch(site.url)).text()).match(/\/static\/[^"]+apple-touch-icon\.png/)![0];
}

/** What both browsers are to show. */
function expectRead(reading: Reading, count: number, up: boolean): void {
  const all = Array.from({ length: count }, (_, i) => `m${i + 1}`);
  expect(reading.seen, "each in its order").toEqual(up ? all.toReversed() : all);
  expect(reading.apart, `px that something in sight moved of itself: ${reading.most}`).toBeLessThanOrEqual(2);
  const steps = reading.moves.map((moved) => (up ? moved : -moved));
  const usual = steps.toSorted((a, b) => a - b)[steps.length >> 1]!;
  expect(Math.max(...steps), "px of a step, as long as the others").toBeLessThanOrEqual(usual + 2);
  expect(Math.min(...steps), "px of a step, in its direction").toBeGreaterThanOrEqual(-2);
}

/** Steps that moved nothing, before the end was reached. A press may be lost where messages come from the archive just then. */
function lost({ moves }: Reading): number {
  const isStill = (moved: number) => Math.abs(moved) < 1;
  return moves.slice(0, moves.findLastIndex((moved) => !isStill(moved))).filter(isStill).length;
}

type Scroll = "wheel" | "finger" | "keys";
const wheel = (up: boolean) => (up ? -300 : 300); // two of them are less than a view
const key = (up: boolean) => (up ? "PageUp" : "PageDown");
/** Who reads a page looks at it for a moment; other ways, one scrolls through. */
const framesOf = (way: Scroll) => ({ keys: 20, wheel: 8, finger: undefined })[way];

/** A conversation that is read in some way, with its number of messages. */
type Course<Way extends Scroll> = { way: Way; screen: keyof typeof screens; whom: string; count: number };

test("what is read stays where it is, up to the beginning and down again", async ({ visit, database, site }) => {
  test.setTimeout(600_000);
  const courses: Course<Scroll>[] = [
    { way: "finger", screen: "phone", whom: "carol", count: SOME },
    { way: "keys", screen: "wide", whom: "dave", count: SOME },
    { way: "wheel", screen: "wide", whom: "bob", count: MANY },
  ];
  const picture = await pictureOf(site);
  for (const { whom, count } of courses) await conversation(database, site.url + picture, whom, 1, count);
  const alice = await visit("alice");
  alice.watch.allow(/none-\d+\.png|404/);
  const { page } = alice;
  await page.addInitScript(answerLate, picture);
  await alice.signIn();
  for (const { way, screen, whom, count } of courses) {
    await test.step(`${screen}, ${way}`, async () => {
      await page.setViewportSize(screens[screen]);
      await page.goto(`/chat/with/${whom}`);
      await expect(page.locator(`#chat .chat-msg[data-msgid="m${count}"]`)).toBeInViewport();
      await page.evaluate(cardsCame); // who is at the end sees them come
      await page.locator("#chat .chat-content__messages").click({ position: { x: 5, y: 5 } });
      const scroll = (up: boolean) => ({ wheel: () => page.mouse.wheel(0, wheel(up)), finger: () => page.evaluate(swipe, { up }), keys: () => page.keyboard.press(key(up)) })[way];
      for (const up of [true, false]) {
        const reading = await readThrough(page, up, `m${count}`, scroll(up), framesOf(way));
        expectRead(reading, count, up);
        if (way === "keys") expect(lost(reading), "presses of a key that moved nothing").toBeLessThanOrEqual(1);
        if (count === MANY) await expect.poll(() => page.locator("#chat converse-chat-message").count(), "not all are drawn").toBeLessThan(MANY);
      }
    });
  }
});

// Firefox turns its wheel apart from the page: what is known of that is in bench/README.md.
test("Firefox: what is read stays where it is", async ({ database, site }) => {
  test.skip(firefoxPath === "", "Firefox is not installed");
  test.setTimeout(600_000);
  const courses: Course<"keys" | "finger">[] = [
    { way: "keys", screen: "wide", whom: "carol", count: SOME },
    { way: "finger", screen: "phone", whom: "bob", count: MANY },
  ];
  const picture = await pictureOf(site);
  for (const { whom, count } of courses) await conversation(database, site.url + picture, whom, 1, count);
  const firefox = await startFirefox(firefoxPath);
  try {
    const page = await openTab(firefox);
    await page.evaluateOnNewDocument(answerLate, picture);
    await page.goto(`${site.url}/signin`);
    await page.locator('main input[name="username"]').fill("alice");
    await page.locator('main input[name="password"]').fill(password);
    await page.locator('main form[action="/signin"] button[type="submit"]').click();
    await page.locator("main [data-message]").wait();
    for (const { way, screen, whom, count } of courses) {
      await test.step(`${screen}, ${way}`, async () => {
        await page.setViewport(screens[screen]);
        await page.goto(`${site.url}/chat/with/${whom}`);
        await page.locator(`#chat .chat-msg[data-msgid="m${count}"]`).wait();
        await page.evaluate(cardsCame); // who is at the end sees them come
        await page.locator("#chat .chat-content__messages").click({ offset: { x: 5, y: 5 } });
        const scroll = (up: boolean) => ({ finger: () => page.evaluate(swipe, { up }), keys: () => page.keyboard.press(key(up)) })[way];
        for (const up of [true, false]) expectRead(await readThrough(page, up, `m${count}`, scroll(up), framesOf(way)), count, up);
      });
    }
  } finally {
    await firefox.close();
  }
});

/** Holds back what the server sends to a page, from when on that is said until it is released. */
async function holdBack({ page }: Person): Promise<{ hold: () => void; release: () => void }> {
  let [holding, held] = [false, [] as (() => void)[]];
  await page.routeWebSocket(/xmpp-websocket/, (client) => {
    const server = client.connectToServer();
    server.onMessage((data) => (holding ? held.push(() => client.send(data)) : client.send(data)));
  });
  const release = () => {
    holding = false;
    for (const send of held.splice(0)) send();
  };
  return { hold: () => (holding = true), release };
}

test("who has read up to all that is there sees that more is fetched, and nothing moves as it comes", async ({ visit, database, site }) => {
  await conversation(database, site.url + (await pictureOf(site)), "carol", 1, SOME);
  const alice = await visit("alice");
  const { page } = alice;
  alice.watch.allow(/none-\d+\.png|404/);
  const { hold, release } = await holdBack(alice);
  await alice.signIn();
  await page.goto("/chat/with/carol");
  await expect(alice.message(`Message ${SOME},`)).toBeInViewport();
  await alice.canGoOn();
  hold();
  const spinner = page.locator("#chat converse-mam-placeholder .spinner-grow");
  const up = () => page.locator("#chat .chat-content__messages").evaluate((scroller) => scroller.scrollBy(0, -10_000));
  await expect(async () => {
    await up();
    await expect(spinner).toBeInViewport({ timeout: 500 });
  }).toPass();
  const begun = await page.evaluateHandle(firstBelowBeginning);
  const come = async () => {
    release();
    await expect(spinner).toHaveCount(0);
    await expect(page.locator('#chat .chat-msg[data-msgid="m20"]')).toBeAttached();
  };
  expect(await movedBy(page, come)).toBeLessThanOrEqual(2);
  await expect(async () => {
    await up();
    await expect(page.locator("#chat .beginning")).toBeInViewport({ timeout: 500 });
  }).toPass();
  expect(await begun.evaluate((ids) => [...ids]), "the first message, wherever the beginning is drawn above one").toEqual(["m1"]);
});

/** Runs in a page: collects the ids of messages that what begins the conversation stands above, as it is drawn. */
function firstBelowBeginning(): Set<string> {
  const ids = new Set<string>();
  const history = document.querySelector("#chat converse-message-history")!;
  const look = () => history.querySelector(".beginning") && ids.add(history.querySelector<HTMLElement & { model: any }>("converse-chat-message")!.model.get("msgid"));
  new MutationObserver(look).observe(history, { childList: true, subtree: true });
  return ids;
}

/** The address of one of the messages of a conversation. */
async function addressOf(database: Database, whom: string, i: number): Promise<string> {
  const [row] = await database.query(`SELECT id::text FROM archive WHERE peer = '${whom}@localhost' AND stanza_id = 'm${i}'`);
  return `/chat/with/${whom}?at=${row!["id"]}`;
}

/** The way down to what was said last. */
const latest = ({ page }: Person) => page.getByRole("button", { name: /(Latest|New) messages/ });

test("an answer leads far above, what comes meanwhile moves nothing, and reading on fetches what comes next", async ({ alice, bob, database, site }) => {
  const picture = site.url + (await pictureOf(site));
  for (const whom of ["bob", "carol"]) await conversation(database, picture, whom);
  alice.watch.allow(/none-\d+\.png|404/);
  await alice.page.goto("/chat/with/bob");
  await expect(alice.message(`Message ${COUNT},`)).toBeInViewport();
  await test.step("an answer leads to what it answers, far above", () => followAnswer(alice));
  await test.step("what comes, goes and changes while somebody reads further up moves nothing", () => readWhileOthersTalk(alice, bob));
  await test.step("reading on from a message far above fetches what comes next, and not everything up to the end", async () => {
    await alice.page.goto(await addressOf(database, "carol", 80));
    await readOn(alice);
  });
});

async function followAnswer(alice: Person): Promise<void> {
  await expect(alice.message(`Message ${COUNT - 48},`)).not.toBeInViewport();
  await alice.page.locator("#chat .chat-msg__reply-context").last().click();
  await expect(alice.message(`Message ${COUNT - 48},`)).toBeInViewport();
  await latest(alice).click();
  await expect(alice.message(`Message ${COUNT},`)).toBeInViewport();
}

async function readWhileOthersTalk(alice: Person, bob: Person): Promise<void> {
  const { page } = alice;
  await movedBy(page, () => page.evaluate(swipe, { up: true }));
  await expect(latest(alice)).toBeVisible();

  expect(await movedBy(page, async () => expect(await page.evaluate(changeAround, null)).toBe(6))).toBeLessThanOrEqual(2);
  await bob.talkTo("alice");
  const types = async () => {
    await bob.input().pressSequentially("One");
    await expect(page.locator("#chat .chat-content__notifications")).toHaveText(/typing/);
  };
  expect(await movedBy(page, types), "a line below says that somebody types").toBeLessThanOrEqual(2);
  const come = async () => {
    for (const text of ["one", "two", "three"]) await bob.say(`Meanwhile ${text}`);
    await expect(latest(alice)).toHaveText("New messages");
  };
  expect(await movedBy(page, come)).toBeLessThanOrEqual(2);
  await latest(alice).click();
  await expect(alice.message("Meanwhile three")).toBeInViewport();
  await expect(latest(alice)).toHaveCount(0);
  await bob.say("And then");
  await expect(alice.message("And then")).toBeInViewport();
}

/** Reads on from message 80. */
async function readOn(alice: Person): Promise<void> {
  const { page } = alice;
  await expect(alice.message("Message 80,")).toBeInViewport();
  const known = () => page.locator("#chat converse-chat").evaluate((chat: HTMLElement & { model: any }) => chat.model.messages.map((message: any) => Number(message.get("msgid")?.slice(1))));
  await movedBy(page, async () => {
    await expect(async () => {
      await page.evaluate(swipe, { up: false });
      await expect(alice.message("Message 122,")).toBeInViewport({ timeout: 100 });
    }).toPass();
  });
  expect(await known()).toEqual(expect.arrayContaining([80, 122]));
  expect(await known(), "between what is read and what was said last").not.toContain(220);
  await page.reload();
  await expect(alice.message("Message 80,")).toBeInViewport();
  expect(await known(), "what is missing is still known to be").not.toContain(220);
}

test("where a message is opened and everything is in sight, one is at the end of the conversation", async ({ alice, bob, database, site }) => {
  await conversation(database, site.url + (await pictureOf(site)), "bob", COUNT - 1);
  const found = alice.marked();
  await alice.page.goto(await addressOf(database, "bob", COUNT - 1));
  await found;
  await expect(latest(alice)).toHaveCount(0);
  await bob.talkTo("alice");
  for (let i = 0; i < 20; i++) await bob.say(`And then ${i}.`);
  await expect(alice.message("And then 19.")).toBeInViewport();
  await expect(latest(alice)).toHaveCount(0);

  const row = alice.page.locator("#chat .chat-msg").filter({ hasText: "And then 18." });
  await expect(row).toHaveClass(/chat-msg--followup/);
  // What has no name above it says beside itself when it was said, while one is there, and nothing moves.
  const beside = () => row.evaluate((message) => getComputedStyle(message, "::before").content);
  expect(await beside()).toBe("none");
  const { height } = (await row.boundingBox())!;
  await row.hover();
  await expect.poll(beside).toMatch(/^"\d\d:\d\d"/);
  expect((await row.boundingBox())!.height).toBe(height);
  await alice.page.locator("#chat converse-chat").evaluate(comeBetween, "And then 18.");
  await expect(alice.message("Said in between.")).toBeVisible();
  await expect(row, "whose name stands above it").not.toHaveClass(/chat-msg--followup/);
});

/** Runs in a page: something that somebody else said before a message comes late, as from the archive. */
function comeBetween(conversation: HTMLElement & { model?: any }, text: string): void {
  const { messages } = conversation.model;
  const next = messages.findWhere({ body: text });
  const time = new Date(Date.parse(next.get("time")) - 1).toISOString();
  messages.add({ ...next.attributes, id: "late", msgid: "late", from: "alice@localhost", sender: "me", time, body: "Said in between.", message: "Said in between." });
}
