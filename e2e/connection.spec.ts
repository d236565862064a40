// The chat says how its connection is, and comes back by itself.

import { expect, password, type Person, test } from "./support/test.ts";

const unsent = (person: Person, text: string) => person.page.locator("#chat .chat-msg--unsent").filter({ hasText: text });

// what is written offline is marked, kept, and sent. How soon is in page/connectivity.test.mjs.
for (const transport of ["websocket", "bosh"] as const) {
  test.describe(`over ${transport}`, () => {
    test.use({ transport });

    test("the network goes and comes back", async ({ alice, bob, database }) => {
      alice.watch.allowOutage();
      alice.watch.allow(/ERR_INTERNET_DISCONNECTED/);
      await alice.talkTo("bob");
      await bob.talkTo("alice");
      await alice.say("before");
      await bob.hears("before");
      await expect(unsent(alice, "before")).toHaveCount(0);

      await alice.context.setOffline(true);
      await expect(alice.notice()).toContainText("You are offline.");
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
    });
  });
}

/** Whatever comes and goes over the WebSockets that are open now is lost from here on. */
async function breakable(person: Person): Promise<() => void> {
  let broken = false;
  await person.context.routeWebSocket(/\/xmpp-websocket/, (page) => {
    const server = page.connectToServer();
    const early = !broken;
    page.onMessage((message) => (broken && early ? undefined : server.send(message)));
    server.onMessage((message) => (broken && early ? undefined : page.send(message)));
  });
  await person.page.reload();
  await person.ready();
  return () => (broken = true);
}

// a stream that went dead says nothing by itself.
test("what is written on a dead connection is marked, and sent over the next, after a reload as well", async ({ alice, bob }) => {
  const go = await breakable(alice);
  await alice.talkTo("bob");
  await bob.talkTo("alice");
  await alice.say("before");
  await bob.hears("before");
  go();
  await alice.say("into the void");
  await expect(unsent(alice, "into the void")).toBeVisible();
  await expect(bob.message("into the void")).toHaveCount(1, { timeout: 60_000 });
  await expect(unsent(alice, "into the void")).toHaveCount(0);

  const goAgain = await breakable(alice);
  await expect(alice.input()).toBeVisible();
  // The page has asked and heard everything that it asks at its start.
  await bob.say("are you back?");
  await alice.hears("are you back?");
  await expect.poll(() => alice.page.evaluate(() => sessionStorage.getItem("foyer-starting"))).toBeNull();
  goAgain();
  await alice.say("and gone");
  await alice.page.reload();
  await bob.hears("and gone");
  await alice.hears("and gone");
  await expect.poll(() => bob.conversation()).toEqual(["before", "into the void", "are you back?", "and gone"]);
});

test("what is written while there is no stream is kept, and sent over the next", async ({ alice, bob }) => {
  alice.watch.allowOutage();
  let away = false;
  const cuts: (() => void)[] = [];
  await alice.context.route(/\/http-bind/, (route) => (away ? route.abort() : route.continue()));
  await alice.context.routeWebSocket(/\/xmpp-websocket/, (page) => {
    if (away) return void page.close({ code: 1001 });
    const server = page.connectToServer();
    cuts.push(() => {
      void server.close();
      void page.close({ code: 1001 });
    });
  });
  await alice.page.reload();
  await alice.ready();
  await alice.talkTo("bob");
  await bob.talkTo("alice");
  away = true;
  for (const cut of cuts) cut();
  await expect(alice.notice()).toBeVisible();
  await alice.say("nobody is there");
  await expect(unsent(alice, "nobody is there")).toBeVisible();
  away = false;
  await expect(bob.message("nobody is there")).toHaveCount(1, { timeout: 60_000 });
  await expect(unsent(alice, "nobody is there")).toHaveCount(0);
});

// whatever keeps somebody out of the chat is said, with what to do.
test.describe("signing in", () => {
  const told = "The chat cannot sign you in. Reload the page; if that does not help, sign out of the site and in again.";

  for (const [what, from, to] of [
    ["no mechanism is offered", /<mechanism>EXTERNAL<\/mechanism>/, ""],
    ["no mechanism of ours is offered", /EXTERNAL/, "GSSAPI"],
    ["it is refused", /<success.*/, '<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><not-authorized/></failure>'],
  ] as const) {
    test(`${what}`, async ({ visit }) => {
      const alice = await visit("alice");
      await alice.context.routeWebSocket(/\/xmpp-websocket/, (page) => {
        const server = page.connectToServer();
        page.onMessage((message) => server.send(message));
        server.onMessage((message) => page.send(String(message).replace(from, to)));
      });
      const warned = alice.context.waitForEvent("console", (message) => message.text().startsWith("The chat did not sign in: "));
      await alice.openSite();
      await expect(alice.notice()).toContainText(told);
      await expect(alice.notice().getByRole("link", { name: "Reload" })).toBeVisible();
      await warned;
    });
  }

  test("Converse does not load", async ({ visit }) => {
    const alice = await visit("alice");
    alice.watch.allow(/converse\.min\.js/, /The chat did not start/);
    await alice.context.route(/converse\.min\.js/, (route) => route.abort());
    const early = alice.page.waitForEvent("websocket");
    await alice.openSite();
    await expect(alice.notice()).toContainText("The chat did not start.");
    const stream = await early; // that has begun meanwhile
    if (!stream.isClosed()) await stream.waitForEvent("close");
  });

  test.describe("with prebinding", () => {
    test.use({ login: "prebind" });
    test("the site has no stream to give", async ({ visit }) => {
      const alice = await visit("alice");
      alice.watch.allow(/503/);
      let refuse = true;
      await alice.context.route(/\/xmpp\/prebind/, (route) =>
        refuse ? route.fulfill({ status: 503, json: { error: "The chat is not available just now." } }) : route.continue(),
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
  for (const viewport of [{ width: 390, height: 844 }, { width: 1440, height: 900 }]) {
    test(`the form is wide enough, ${viewport.width} px`, async ({ visit }) => {
      const alice = await visit("alice");
      const { page } = alice;
      await page.setViewportSize(viewport);
      await alice.openSite();
      const field = page.locator('converse-login-form input[type="password"]');
      await expect(field).toBeAttached();
      await page.locator("#chat-toggle").click();
      await expect(field).toBeFocused();
      expect((await field.boundingBox())!.width).toBeGreaterThan(280);
      await page.goto("/chat");
      await expect(field).toBeVisible();
      expect((await field.boundingBox())!.width).toBeGreaterThan(280);
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
  }
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
    await alice.openSite();
    await expect(alice.notice()).toContainText("You are signed out.");
    await alice.page.clock.install();
    await alice.page.clock.runFor(60_000); // whatever waits in the page has its minute
    expect(asked).toBe(1);
  });
});

// a socket that opens and stays silent. How soon it is given up is in page/connectivity.test.mjs.
for (const login of ["session", "token", "password"] as const) {
  test.describe(login, () => {
    test.use({ login });
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
}

// stream management was the WebSocket's; over BOSH nobody has agreed to it (XEP-0198 §3).
test("after a change to BOSH nothing is asked of the server but by BOSH", async ({ alice, bob }) => {
  alice.watch.allow(/WebSocket connection to/);
  const asked: string[] = [];
  alice.page.on("request", (request) => {
    if (request.url().endsWith("/http-bind")) asked.push(request.postData() ?? "");
  });
  await alice.talkTo("bob");
  await bob.talkTo("alice");
  await alice.say("over WebSocket");
  await bob.hears("over WebSocket");
  await alice.context.routeWebSocket(/\/xmpp-websocket/, () => {}); // opens, and that is all
  await alice.page.reload();
  await expect.poll(() => asked.some((body) => body.includes("xmpp-bind")), { timeout: 60_000 }).toBe(true);
  for (const n of [1, 2, 3, 4, 5, 6]) {
    await alice.insist(`over BOSH ${n}`);
    await bob.hears(`over BOSH ${n}`);
  }
  expect(asked.filter((body) => body.includes("urn:xmpp:sm:"))).toEqual([]);
});

// what a room is asked while it opens may be lost with the stream.
test("a room that was being opened when the stream was lost opens on the next one", async ({ alice }) => {
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
  await alice.page.reload();
  await alice.ready();
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
