// The chat says how its connection is, and comes back by itself.

import type { WebSocketRoute } from "@playwright/test";
import type { Database } from "./support/cluster.ts";
import { expectReactions, react, retract, tombstones } from "./support/messages.ts";
import { enterRoom, panel, question } from "./support/rooms.ts";
import { expect, makeRoom, names, password, type Person, screens, test } from "./support/test.ts";

const unsent = (person: Person, text: string) => person.page.locator("#chat .chat-msg--unsent").filter({ hasText: text });

/** What a person's WebSockets go through, and their BOSH: it can fail. */
class Line {
  /** Nothing that is opened reaches the site. */
  isCut = false;
  private readonly silenced = new Set<WebSocketRoute>();
  private readonly open = new Map<WebSocketRoute, WebSocketRoute>();

  static async of({ context }: Person): Promise<Line> {
    const line = new Line();
    await context.route(/\/http-bind/, (route) => (line.isCut ? route.abort() : route.continue()));
    await context.routeWebSocket(/\/xmpp-websocket/, (page) => {
      if (line.isCut) return void page.close({ code: 1001 });
      const server = page.connectToServer();
      line.open.set(page, server);
      page.onMessage((message) => (line.silenced.has(page) ? undefined : server.send(message)));
      server.onMessage((message) => (line.silenced.has(page) ? undefined : page.send(message)));
    });
    return line;
  }

  /** Whatever comes and goes over the WebSockets that are open now is lost from here on. */
  goSilent(): void {
    for (const page of this.open.keys()) this.silenced.add(page);
  }

  /** Every WebSocket is closed, and none is to be had. */
  cut(): void {
    this.isCut = true;
    for (const [page, server] of this.open) {
      void server.close();
      void page.close({ code: 1001 });
    }
    this.open.clear();
  }
}

// what is written offline is marked, kept, and sent. How soon is in page/connectivity.test.mjs.
async function withoutNetwork(alice: Person, bob: Person, database: Database): Promise<void> {
  await alice.say("before");
  await bob.hears("before");
  await expect(unsent(alice, "before")).toHaveCount(0);
  await alice.page.goto("/chat/with/bob");
  await alice.ready();
  await expect(alice.page.locator("#chat .beginning")).toBeVisible();
  const place = async () => (await alice.message("before").boundingBox())!.y;
  const before = await place();
  const typing = alice.page.locator("#chat .chat-content__notifications");
  await bob.input().pressSequentially("Hm");
  await expect(typing).toHaveText(/typing/);

  await alice.context.setOffline(true);
  await expect(alice.notice()).toContainText("You are offline.");
  await expect(typing).toHaveText(""); // it is not known any more
  expect(await place(), "what is said moves nothing").toBe(before);
  await bob.input().fill("");
  await alice.say("written offline");
  await alice.say("and more");
  await expect(unsent(alice, "written offline")).toBeVisible();
  await expect(unsent(alice, "and more")).toBeVisible();
  await expect(bob.message("written offline")).toHaveCount(0);

  await alice.context.setOffline(false);
  await expect(alice.notice()).toBeHidden();
  await bob.hears("written offline");
  await bob.hears("and more");
  await expect(alice.page.locator("#chat .chat-msg--unsent")).toHaveCount(0);
  await expect.poll(() => bob.conversation()).toEqual(["before", "written offline", "and more"]);
  expect(await database.archived("bob")).toEqual(["before", "written offline", "and more"]);
  await bob.say("welcome back");
  await alice.hears("welcome back");
}

test.describe("over BOSH", () => {
  test.use({ transport: "bosh" });

  test("the network goes and comes back", async ({ alice, bob, database }) => {
    alice.watch.allowOutage();
    alice.watch.allow(/ERR_INTERNET_DISCONNECTED/);
    await alice.talkTo("bob");
    await bob.talkTo("alice");
    await withoutNetwork(alice, bob, database);
  });
});

test("what is written while there is no stream, or on a dead one, is marked, kept, and sent over the next", async ({ visit, bob, database }) => {
  const alice = await visit("alice");
  const line = await Line.of(alice);
  await alice.signIn();
  alice.watch.allowOutage();
  alice.watch.allow(/ERR_INTERNET_DISCONNECTED/, /WebSocket is already in CLOSING/); // a dead stream is written to until it is known to be dead
  await alice.talkTo("bob");
  await bob.talkTo("alice");

  await test.step("the network goes and comes back", () => withoutNetwork(alice, bob, database));

  // A stream that went dead says nothing by itself.
  await test.step("the stream is dead", async () => {
    line.goSilent();
    await alice.say("into the void");
    await expect(unsent(alice, "into the void")).toBeVisible();
    await expect(bob.message("into the void")).toHaveCount(1, { timeout: 60_000 });
    await expect(unsent(alice, "into the void")).toHaveCount(0);
  });

  await test.step("the stream is dead, and the page is loaded again", async () => {
    await bob.say("are you back?");
    await alice.hears("are you back?");
    await alice.canGoOn();
    line.goSilent();
    await alice.say("and gone");
    await expect(unsent(alice, "and gone")).toBeVisible();
    await alice.page.reload();
    await bob.hears("and gone");
    await alice.hears("and gone");
  });

  await test.step("there is no stream, and none is to be had for a while", async () => {
    line.cut();
    await expect(alice.notice()).toBeVisible();
    await alice.say("nobody is there");
    await expect(unsent(alice, "nobody is there")).toBeVisible();
    line.isCut = false;
    await expect(bob.message("nobody is there")).toHaveCount(1, { timeout: 60_000 });
    await expect(unsent(alice, "nobody is there")).toHaveCount(0);
  });

  const all = ["before", "written offline", "and more", "welcome back", "into the void", "are you back?", "and gone", "nobody is there"];
  await expect.poll(() => bob.conversation()).toEqual(all);
  expect(await database.archived("bob")).toEqual(all);
});

// the browser keeps what was written, whatever becomes of the page.
/** What stands below a message of one's own. */
const below = (person: Person, text: string) => person.page.locator("#chat .chat-msg").filter({ hasText: text }).locator(".chat-msg__content").evaluate((content) => getComputedStyle(content, "::after").content);

test("below the latest message stands how far it got: to the server, whoever is there or not, and into somebody’s sight", async ({ visit }) => {
  const alice = await visit("alice");
  const line = await Line.of(alice);
  await alice.signIn();
  alice.watch.allow(/WebSocket is already in CLOSING/);
  await alice.talkTo("bob"); // who is away
  await alice.say("Are you there?");
  await expect.poll(() => below(alice, "Are you there?")).toBe('"Sent"');
  await alice.say("It is me");
  await expect.poll(() => below(alice, "It is me")).toBe('"Sent"');
  expect(await below(alice, "Are you there?")).toBe("none");
  await alice.page.reload();
  await alice.ready();
  await expect.poll(() => below(alice, "It is me")).toBe('"Sent"');
  line.goSilent();
  await alice.say("Hello?");
  expect(await below(alice, "Hello?")).not.toBe('"Sent"');
  await expect.poll(() => below(alice, "Hello?")).toBe('"Not sent yet"');
  await expect.poll(() => below(alice, "Hello?"), { timeout: 60_000 }).toBe('"Sent"');
  const bob = await visit("bob");
  await bob.signIn();
  await bob.talkTo("alice");
  await bob.hears("Hello?");
  await expect.poll(() => below(alice, "Hello?"), "what the archive brought was read, too").toBe('"Read"');
  await alice.say("There you are");
  await bob.hears("There you are");
  await expect.poll(() => below(alice, "There you are")).toBe('"Read"');
});

test("what was written without a stream is sent once by another tab, when its own was closed; or never, on a device that was signed out of", async ({ visit, bob, database }) => {
  const alice = await visit("alice");
  const line = await Line.of(alice);
  await alice.signIn();
  alice.watch.allowOutage();
  alice.watch.allow(/http-bind/);
  await alice.talkTo("bob");
  await bob.talkTo("alice");
  await alice.say("before");
  await bob.hears("before");
  line.cut();
  await expect(alice.notice()).toBeVisible();
  await alice.say("written on the way");
  await expect(unsent(alice, "written on the way")).toBeVisible();
  const tabs = [await alice.newTab(), await alice.newTab()];
  await alice.page.close();
  for (const tab of tabs) await tab.page.goto("/chat/with/bob");
  line.isCut = false;
  await expect(bob.message("written on the way")).toHaveCount(1, { timeout: 60_000 });
  for (const tab of tabs) {
    await tab.ready();
    await tab.hears("written on the way");
    await expect(tab.page.locator("#chat .chat-msg--unsent")).toHaveCount(0);
  }
  expect(await database.archived("bob")).toEqual(["before", "written on the way"]);
  await expect.poll(() => tabs[0]!.page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("foyer-outbox")))).toEqual([]);

  line.cut();
  await tabs[0]!.say("never sent");
  await expect(unsent(tabs[0]!, "never sent")).toBeVisible();
  await tabs[1]!.page.close();
  await tabs[0]!.signOut(); // of a device that is not trusted
  line.isCut = false;
  expect(await tabs[0]!.page.evaluate(() => JSON.stringify(localStorage))).not.toContain("never sent");
  await tabs[0]!.signIn();
  await tabs[0]!.talkTo("bob");
  await tabs[0]!.say("back");
  await bob.hears("back");
  expect(await database.archived("bob")).toEqual(["before", "written on the way", "back"]);
});

// XEP-0424, XEP-0444: what is shown here others have, too.
test("what is deleted, and what one reacts with, on a dead stream, is so for everybody once there is another", async ({ visit, bob }) => {
  const alice = await visit("alice");
  const line = await Line.of(alice);
  await alice.signIn();
  alice.watch.allowOutage();
  alice.watch.allow(/WebSocket is already in CLOSING/);
  await alice.talkTo("bob");
  await bob.talkTo("alice");
  await alice.say("a mistake");
  await bob.say("At nine?");
  await bob.hears("a mistake");
  await alice.hears("At nine?");
  // The second time on this page another stream takes the place of one that was taken up again.
  for (const [emoji, reactions] of [["👍", ["👍 1"]], ["👍", []]] as const) {
    await expect(alice.page.locator("#chat .chat-msg--unsent")).toHaveCount(0);
    line.goSilent();
    await react(alice, "At nine?", emoji);
    await expectReactions(alice, "At nine?", [...reactions]);
    await expect(async () => expectReactions(bob, "At nine?", [...reactions])).toPass({ timeout: 60_000 });
  }
  line.goSilent();
  await retract(alice, "a mistake");
  await expect(tombstones(alice)).toHaveText("You deleted your message.");
  await expect(tombstones(bob)).toHaveCount(1, { timeout: 60_000 });
  await expect(bob.message("a mistake")).toHaveCount(0);
});

test("what one deletes in a room on a dead stream, as a moderator or of one’s own, is deleted there with the next", async ({ visit }) => {
  const alice = await visit("alice");
  const line = await Line.of(alice);
  await alice.signIn();
  alice.watch.allowOutage();
  alice.watch.allow(/WebSocket is already in CLOSING/, /http-bind/);
  await makeRoom(alice, "Den");
  const bob = await visit("bob");
  await bob.signIn();
  await enterRoom(bob, "Den");
  await alice.say("a mistake");
  await bob.say("more ads");
  await bob.hears("a mistake");
  await alice.hears("more ads");
  line.goSilent();
  await retract(alice, "more ads");
  await expect(alice.message("more ads")).toHaveCount(0);
  await alice.page.evaluate(() => window.dispatchEvent(new Event("online"))); // the stream is asked, and says nothing: the next one takes it up
  await expect(bob.message("more ads")).toHaveCount(0, { timeout: 60_000 });
  await expect(alice.message("more ads")).toHaveCount(0);
  await expect(question(alice)).toHaveCount(0);

  line.goSilent();
  await retract(alice, "a mistake");
  await expect(bob.message("a mistake")).toHaveCount(0, { timeout: 60_000 });
  await expect(tombstones(alice).first()).toHaveText("You deleted your message.");
  await expect(tombstones(bob)).toHaveCount(2);
});

// Back is within the chat's own page.
test("without a network Back and Forward go through conversations, which can be read and written in", async ({ alice }) => {
  alice.watch.allowOutage();
  alice.watch.allow(/ERR_INTERNET_DISCONNECTED/);
  const { page } = alice;
  for (const user of ["bob", "carol"]) {
    await page.goto(`/chat/with/${user}`);
    await alice.ready();
    await alice.say(`Hello ${user}`);
  }
  await alice.listed(names.bob).click();
  const isOpen = async (user: "bob" | "carol") => {
    await expect(page).toHaveURL(new RegExp(`/chat/with/${user}$`));
    await expect(page.locator(`#chat converse-chat[jid="${user}@localhost"]`)).toBeVisible();
    await expect(page).toHaveTitle(new RegExp(names[user]));
    await alice.hears(`Hello ${user}`);
  };
  await isOpen("bob");
  await expect(page.locator("#chat .chat-msg--unsent")).toHaveCount(0);
  await alice.context.setOffline(true);
  await page.goBack();
  await isOpen("carol");
  await page.goForward();
  await isOpen("bob");
  await alice.say("written offline");
  await expect(unsent(alice, "written offline")).toBeVisible();
  await alice.context.setOffline(false);
  await expect(unsent(alice, "written offline")).toHaveCount(0);
  await alice.goTo("Settings"); // which is another page
  await page.goBack();
  await isOpen("bob");
});

test("who leaves a room on a dead connection sees that it takes its time, and is told that they are still in it", async ({ alice }) => {
  const line = await Line.of(alice);
  await makeRoom(alice, "Den");
  await alice.goTo("Chat");
  await alice.page.reload(); // its stream goes by the line
  await alice.ready();
  await alice.page.getByRole("button", { name: "Members", exact: true }).click();
  await panel(alice).getByRole("tab", { name: "About" }).click();
  alice.watch.allowOutage();
  line.goSilent();
  const leave = panel(alice).getByRole("button", { name: "Leave the room" });
  await leave.click();
  await question(alice).getByRole("button", { name: "Leave" }).click();
  await expect(leave).toHaveAttribute("aria-busy", "true");
  await expect(alice.notice()).toHaveText("Leaving …");
  const isOnTop = (element: Element, { x, y } = element.getBoundingClientRect()) => document.elementFromPoint(x + 20, y + 20) === element;
  await expect.poll(() => alice.notice().evaluate(isOnTop), "the question is gone, and what lay under it is in sight").toBe(true);
  await expect(leave).toBeFocused();
  await expect(question(alice)).toContainText("You are still in the room");
  await expect(leave).toHaveAttribute("aria-busy", "false");
  await expect(alice.notice()).not.toHaveText("Leaving …");
});

// whatever keeps somebody out of the chat is said, with what to do.
test.describe("signing in", () => {
  const told = "The chat cannot sign you in. Reload the page; if that does not help, sign out of the site and in again.";

  test("somebody who is not let in, or whose chat does not start, is told so", async ({ visit }) => {
    const alice = await visit("alice");
    let answers: readonly [RegExp, string];
    await alice.context.routeWebSocket(/\/xmpp-websocket/, (page) => {
      const server = page.connectToServer();
      page.onMessage((message) => server.send(message));
      server.onMessage((message) => page.send(String(message).replace(...answers)));
    });
    await alice.getCookie();
    for (const [what, from, to] of [
      ["no mechanism is offered", /<mechanism>EXTERNAL<\/mechanism>/, ""],
      ["no mechanism of ours is offered", /EXTERNAL/, "GSSAPI"],
      ["it is refused", /<success.*/, '<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><not-authorized/></failure>'],
    ] as const) {
      await test.step(what, async () => {
        answers = [from, to];
        const tab = await alice.newTab(); // which remembers nothing of what failed before
        const warned = tab.page.waitForEvent("console", (message) => message.text().startsWith("The chat did not sign in: "));
        await tab.page.goto("/");
        await expect(tab.notice()).toContainText(told);
        await expect(tab.notice().getByRole("link", { name: "Reload" })).toBeVisible();
        await warned;
        await tab.page.close();
      });
    }

    for (const [what, file] of [["Converse's style sheet", /bundle\/chat\.css/], ["Converse", /converse\.min\.js/]] as const) {
      await test.step(`${what} does not load`, async () => {
        answers = [/^$/, ""];
        alice.watch.allow(file, /The chat did not start/);
        await alice.context.route(file, (route) => route.abort());
        const early = alice.page.waitForEvent("websocket");
        await alice.page.goto("/");
        await expect(alice.notice()).toContainText("The chat did not start.");
        const stream = await early; // that has begun meanwhile
        if (!stream.isClosed()) await stream.waitForEvent("close");
        await alice.context.unroute(file);
      });
    }
  });

  test.describe("with prebinding", () => {
    test.use({ login: "prebind" });
    test("the site has no stream to give", async ({ visit }) => {
      const alice = await visit("alice");
      alice.watch.allow(/503/);
      let refuse = true;
      await alice.context.route(/\/xmpp\/prebind/, (route) =>
        refuse ? route.fulfill({ status: 503, json: { error: "The chat is not available right now." } }) : route.continue(),
      );
      await alice.openSite();
      await expect(alice.notice()).toBeVisible();
      refuse = false;
      await alice.enterChat();
    });
  });
});

test.describe("with a password", () => {
  test.use({ login: "password" });

  // a form that one can use. X-02: a wrong password is said.
  test("the form is wide enough, and says when the password was wrong", async ({ visit }) => {
    const alice = await visit("alice");
    const { page } = alice;
    const field = page.locator('converse-login-form input[type="password"]');
    const isWideOnEachScreen = async () => {
      for (const screen of [screens.phone, screens.wide]) {
        await page.setViewportSize(screen);
        await expect(field).toBeVisible();
        expect((await field.boundingBox())!.width).toBeGreaterThan(280);
      }
    };
    await alice.openSite();
    await expect(field).toBeAttached();
    await page.locator("#chat-toggle").click();
    await expect(field).toBeFocused();
    await isWideOnEachScreen();
    await page.goto("/chat");
    await isWideOnEachScreen();
    await field.fill("wrong");
    await page.keyboard.press("Enter");
    // It stays, says so, and is ready for another one.
    await expect(page.locator("converse-login-form").getByRole("alert")).toContainText("That password does not match.");
    await expect(field).toBeFocused();
    await expect(field).toHaveValue("");
    await expect(alice.notice()).toBeHidden();
    await field.fill(password);
    await page.keyboard.press("Enter");
    await alice.ready();
  });
});

// what was typed to sign in to the site signs in to the chat as well, on every page, and
// is neither in the page nor kept by the browser.
test.describe("with the password that was typed", () => {
  test.use({ login: "typed" });

  test("nobody is asked twice", async ({ visit }) => {
    const alice = await visit("alice");
    await alice.fillIn();
    await alice.ready();
    await alice.page.reload();
    await alice.ready();
    await expect(alice.page.locator("converse-login-form")).toHaveCount(0);
    expect(await alice.page.content()).not.toContain(password);
    expect(await alice.page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))).not.toContain(password);
  });
});

// A page asks for tokens until it has one, and no more once nobody is signed in.
test.describe("with tokens", () => {
  test.use({ login: "token" });

  test("a page that was signed out stops asking, and says so", async ({ visit }) => {
    const alice = await visit("alice");
    alice.watch.allow(/401/);
    let asked = 0;
    await alice.context.route(/\/xmpp\/credentials/, (route) => {
      asked++;
      return route.fulfill({ status: 401, json: { error: "You are not signed in." } });
    });
    await alice.page.clock.install(); // before the page, whose timers it has then
    await alice.openSite();
    await expect(alice.notice()).toContainText("You are signed out.");
    await alice.page.clock.runFor(60_000); // whatever waits in the page has its minute
    expect(asked).toBe(1);
  });
});

// a socket that opens and stays silent. How soon it is given up, in each mode, is in page/connectivity.test.mjs.
test.describe("with a password", () => {
  test.use({ login: "password" });

  test("a silent WebSocket is given up for BOSH", async ({ visit }) => {
    const alice = await visit("alice");
    await alice.context.routeWebSocket(/\/xmpp-websocket/, () => {}); // opens, and that is all
    const bosh = alice.context.waitForEvent("request", { predicate: (request) => request.url().endsWith("/http-bind"), timeout: 60_000 });
    await alice.signIn();
    await bosh;
    await alice.talkTo("bob");
    await alice.say("over BOSH");
  });
});

// stream management was the WebSocket's; over BOSH nobody has agreed to it (XEP-0198 §3).
test("after a change to BOSH nothing is asked of the server but by BOSH", async ({ alice, database }) => {
  alice.watch.allow(/WebSocket connection to/);
  const asked: string[] = [];
  alice.page.on("request", (request) => {
    if (request.url().endsWith("/http-bind")) asked.push(request.postData() ?? "");
  });
  await alice.talkTo("bob");
  await alice.say("over WebSocket");
  await expect.poll(() => database.archived("bob")).toEqual(["over WebSocket"]);
  await alice.context.routeWebSocket(/\/xmpp-websocket/, () => {}); // opens, and that is all
  await alice.page.reload();
  await expect.poll(() => asked.some((body) => body.includes("xmpp-bind")), { timeout: 60_000 }).toBe(true);
  for (const n of [1, 2, 3, 4, 5, 6]) {
    await alice.insist(`over BOSH ${n}`);
    await expect.poll(() => database.archived("bob")).toContain(`over BOSH ${n}`);
  }
  expect(asked.filter((body) => body.includes("urn:xmpp:sm:"))).toEqual([]);
});

// what a room is asked while it opens may be lost with the stream.
test("a room that was being opened when the stream was lost opens on the next one", async ({ visit }) => {
  const alice = await visit("alice");
  // What else is sent in the moment before the page hears of the loss goes out on the next stream.
  alice.watch.allow(/WebSocket connection to/, /WebSocket is already in CLOSING or CLOSED state/);
  let lose = false;
  let lost = 0;
  await alice.context.routeWebSocket(/\/xmpp-websocket/, (page) => {
    const server = page.connectToServer();
    page.onMessage((data) => {
      // The stream cannot be taken up again, so that nothing of it is answered any more.
      const text = String(data).replace(/(<resume [^>]*previd=["'])[^"']*/, lost ? "$1gone" : "$&");
      if (lose && text.includes("disco#info") && text.includes("@conference.")) {
        lose = false;
        lost++;
        void server.close();
        void page.close({ code: 1001 });
      } else server.send(text);
    });
  });
  await alice.signIn();
  await expect(alice.page.getByRole("button", { name: "Open Lobby" })).toBeVisible();
  lose = true;
  await alice.page.getByRole("button", { name: "Open Lobby" }).click();
  await expect(alice.room("Lobby")).toBeVisible();
  await expect(alice.input()).toBeVisible();
  expect(lost).toBe(1);
});

// XEP-0030: Converse puts away what it knows of the server when it gives a stream up, which
// goes on for a moment.
test("an answer that comes when its stream was given up does no harm", async ({ visit }) => {
  const alice = await visit("alice");
  alice.watch.allow(/WebSocket connection to/);
  let silent = false;
  let asked: string | undefined;
  let answer: () => void = () => {};
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  let begin: () => void = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  await alice.context.routeWebSocket(/\/xmpp-websocket/, (page) => {
    const server = page.connectToServer();
    page.onMessage((data) => {
      if (!asked && String(data).includes("disco#items")) asked = String(data).match(/ id="([^"]+)"/)![1];
      server.send(data);
    });
    const first = !asked;
    server.onMessage((data) => {
      const isAnswer = asked && String(data).includes(`id="${asked}"`);
      if (isAnswer) void answered.then(() => page.send(data)).then(begin);
      else if (!(first && silent)) page.send(data);
    });
  });
  await alice.openSite();
  await alice.ready();
  await expect.poll(() => asked).toBeTruthy();

  await alice.context.route(/\/xmpp\/me$/, async (route) => {
    await begun; // no new stream before that
    await route.continue();
  });
  silent = true;
  await alice.page.evaluate(() => window.dispatchEvent(new Event("online"))); // the stream is asked, and says nothing
  await expect(alice.notice()).toContainText("Reconnecting");
  answer();
  await begun;
  await expect(alice.notice()).toBeHidden();
  await alice.talkTo("bob");
});
