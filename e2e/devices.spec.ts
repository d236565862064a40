// One person at several tabs and devices (XEP-0280): what is said and heard at
// one is there at all of them, once.

import { expect, type Person, test } from "./support/test.ts";

/** How many messages the page says are unread; 0 shows no badge. */
async function expectUnread(person: Person, count: number): Promise<void> {
  const badge = person.page.locator("[data-unread]").first();
  if (count === 0) return expect(badge).toBeHidden();
  await expect(badge).toHaveText(String(count));
  await expect(person.page).toHaveTitle(new RegExp(`^\\(${count}\\) `));
}

/** Holds back the messages that come to a tab over WebSocket until they are released. */
async function holdMessages({ page }: Person): Promise<() => void> {
  let release!: () => void;
  const released = new Promise<void>((resolve) => (release = resolve));
  await page.routeWebSocket(/\/xmpp-websocket/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((data) => {
      if (String(data).startsWith("<message")) void released.then(() => socket.send(data));
      else socket.send(data);
    });
  });
  return release;
}

/** Holds back the WebSocket of a page until it may be opened. */
async function holdConnection({ page }: Person): Promise<() => void> {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  await page.routeWebSocket(/\/xmpp-websocket/, async (socket) => {
    await opened;
    socket.connectToServer();
  });
  return open;
}

/** Whether a page has kept everything that came. */
const kept = ({ page }: Person) => page.evaluate(() => !Object.keys(sessionStorage).some((key) => key.startsWith("foyer-arrival-")));

test("two tabs and a second device", async ({ alice, visit, site }) => {
  const tab = await alice.newTab();
  const release = await holdMessages(tab);
  await tab.page.goto("/");
  await tab.ready();
  const laptop = await visit("alice", { transport: "bosh" });
  await laptop.signIn();
  const everywhere = [alice, tab, laptop];
  const bob = await visit("bob");
  await bob.signIn();
  for (const person of everywhere) await expect(person.around("bob")).toHaveText("Around"); // all are in the chat
  await expect.poll(async () => (await site.counts())["foyer_streams_open websocket"]).toBe(3);
  await expect.poll(async () => (await site.counts())["foyer_streams_open bosh"]).toBe(1);

  await test.step("unread everywhere, once", async () => {
    await bob.talkTo("alice");
    await bob.say("one");
    // Whichever tab is the first to keep it, it is new in both.
    await expectUnread(alice, 1);
    await expect.poll(() => kept(alice)).toBe(true);
    release();
    for (const person of everywhere) await expectUnread(person, 1);
    await bob.say("two");
    for (const person of everywhere) await expectUnread(person, 2);
    await tab.page.reload();
    await tab.ready();
    await expectUnread(tab, 2);
  });

  await test.step("said and heard everywhere, once", async () => {
    for (const person of everywhere) {
      await person.talkTo("bob");
      await expectUnread(person, 0);
    }
    const texts = ["one", "two"];
    for (const [person, text] of [
      [alice, "from the first tab"],
      [tab, "from the second tab"],
      [bob, "from Bob"],
      [laptop, "from the laptop"],
    ] as const) {
      await person.say(text);
      texts.push(text);
      for (const other of [...everywhere, bob]) await other.hears(text);
    }
    for (const person of [...everywhere, bob]) await expect.poll(() => person.conversation()).toEqual(texts);
    for (const person of everywhere) {
      await person.page.reload();
      await person.ready();
      await person.hears("from the laptop");
      await expect.poll(() => person.conversation()).toEqual(texts);
      await expectUnread(person, 0);
    }
  });
});

/** The number in the chat's list, whatever the page. */
const inList = (person: Person) => person.page.locator("#conversations .conversation-unread");

// XEP-0490: what was read on one device is read on all; also where messages came before
// there was any device, and after a page was loaded again.
test("what is read on one device is read on the others, and a new one knows what is unread", async ({ bob, visit }) => {
  await bob.talkTo("alice");
  await bob.say("one");
  await bob.say("two");
  const phone = await visit("alice");
  await phone.signIn();
  await expectUnread(phone, 2);
  const laptop = await visit("alice"); // where nothing is delivered any more
  const connect = await holdConnection(laptop);
  await laptop.openSite();
  await expectUnread(laptop, 2);
  await expect(inList(laptop)).toHaveText("2");
  await bob.say("three"); // after the site was asked, and before there is a stream
  await expectUnread(phone, 3);
  connect();
  for (const device of [phone, laptop]) await expectUnread(device, 3);

  await laptop.talkTo("bob");
  for (const device of [laptop, phone]) await expectUnread(device, 0);
  await expect(inList(phone)).toHaveCount(0);
  await phone.page.reload();
  await phone.ready();
  await expectUnread(phone, 0);
  await laptop.page.getByRole("button", { name: "Close the chat" }).click();
  await bob.say("four");
  for (const device of [phone, laptop]) await expectUnread(device, 1);
  await expect(phone.page.locator("link[rel=icon]")).toHaveAttribute("href", /^data:image\/png/);
  const tablet = await visit("alice");
  await tablet.signIn();
  await expectUnread(tablet, 1);
  await phone.talkTo("bob");
  await phone.hears("four");
  for (const device of [phone, laptop, tablet]) await expectUnread(device, 0);
});

/** The id in the archive of somebody's first message that a page has. */
const firstId = ({ page }: Person) => page.locator("#chat converse-chat").evaluate((chat: HTMLElement & { model: any }) => chat.model.messages.models.find((message: any) => message.get("body")).get("stanza_id alice@localhost"));

test("what comes below what somebody reads is unread on every device, until they are at the end", async ({ bob, visit }) => {
  await bob.talkTo("alice");
  for (let i = 1; i <= 30; i++) await bob.say(`Message ${i}, of which so many do not fit into the panel of the chat at once.`);
  const phone = await visit("alice");
  await phone.signIn();
  const laptop = await visit("alice");
  await laptop.signIn();
  await laptop.talkTo("bob");
  for (const device of [phone, laptop]) await expectUnread(device, 0);
  const latest = laptop.page.getByRole("button", { name: /(Latest|New) messages/ });
  /** Both count so many, and a page that is loaded anew does. */
  const expectLeft = async (count: number) => {
    for (const device of [phone, laptop]) await expectUnread(device, count);
    await phone.page.reload();
    await phone.ready();
    for (const device of [phone, laptop]) await expectUnread(device, count);
  };

  await test.step("who has scrolled up", async () => {
    await laptop.page.locator("#chat .chat-content__messages").hover();
    await laptop.page.mouse.wheel(0, -400);
    await expect(latest).toBeVisible();
    await bob.say("while she read above");
    await expectLeft(1);
    await latest.click();
    for (const device of [phone, laptop]) await expectUnread(device, 0);
  });

  await test.step("who opens a message far above", async () => {
    const id = await firstId(laptop);
    await laptop.page.goto("/people");
    await laptop.ready();
    await laptop.page.getByRole("button", { name: "Close the chat" }).click();
    await bob.say("while the panel was closed");
    for (const device of [phone, laptop]) await expectUnread(device, 1);
    const found = laptop.marked();
    await laptop.page.goto(`/chat/with/bob?at=${id}`);
    expect(await found).toContain("Message 1,");
    await expect(laptop.message("while the panel was closed")).not.toBeInViewport();
    await expectLeft(1);
    await laptop.page.locator("#chat .chat-content__messages").hover();
    await expect(async () => {
      await laptop.page.mouse.wheel(0, 2000);
      await expect(latest).toHaveCount(0, { timeout: 500 });
    }).toPass();
    for (const device of [phone, laptop]) await expectUnread(device, 0);
  });
});
