// A small screen, and a finger: nothing lies on anything else, and the keyboard comes for who
// wants to write.

import type { Locator, Page } from "@playwright/test";
import { attach, expectShown, images, picture } from "./support/files.ts";
import { card, member, panel, question } from "./support/rooms.ts";
import { send, toPerson } from "./support/stream.ts";
import { expect, makeRoom, names, test } from "./support/test.ts";

test.use({ contextOptions: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } });

/** Whether two things lie on each other. */
async function overlap(one: Locator, other: Locator): Promise<boolean> {
  const [a, b] = await Promise.all([one.boundingBox(), other.boundingBox()]);
  return a!.x < b!.x + b!.width && b!.x < a!.x + a!.width && a!.y < b!.y + b!.height && b!.y < a!.y + a!.height;
}

/** Rules for what is hovered that paint: a finger leaves no pointer behind, and browsers go on to take what it touched last for hovered. */
function paintedWhereTapped(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const paints = (declaration: string) => /^(color|background|border(?!-radius)|text-decoration|box-shadow|outline|fill)/.test(declaration) && !/: (var\(--hovered\)|none|inherit)$/.test(declaration);
    const look = (rules: CSSRuleList, layer: string): void => {
      for (const rule of rules) {
        if (rule instanceof CSSStyleRule) {
          if (!["overrides", "site", "chat"].includes(layer) || !rule.selectorText.includes(":hover")) continue;
          const bad = rule.style.cssText.split(";").map((each) => each.trim()).filter(paints);
          if (bad.length) found.push(`${rule.selectorText} { ${bad.join("; ")} }`);
        } else if (rule instanceof CSSLayerBlockRule) look(rule.cssRules, rule.name);
        else if (rule instanceof CSSMediaRule && !matchMedia(rule.conditionText).matches) continue;
        else if (rule instanceof CSSGroupingRule) look(rule.cssRules, layer);
      }
    };
    for (const sheet of document.styleSheets) look(sheet.cssRules, "");
    return found;
  });
}

/** What of the page is smaller than a finger: what can be pressed there, with what is around it and belongs to it. */
function tooSmall(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>(":is(header, main, #chat, dialog[open]) :is(button, summary, select, input:not([type=hidden], [type=checkbox], [type=radio]), textarea, #site-nav a, a.brand)")]
      .filter((element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !element.closest("[inert], [aria-hidden], .sr-only, .head-names, .chat-msg, .menu-panel"))
      .flatMap((element) => {
        const { width, height } = element.getBoundingClientRect();
        const around = getComputedStyle(element, "::after");
        const more = around.content !== "none" && around.position === "absolute" ? [around.width, around.height].map(parseFloat) : [0, 0];
        const [wide, high] = [Math.max(width, more[0]!), Math.max(height, more[1]!)];
        return width > 1 && (wide < 43.5 || high < 43.5) ? [`${wide.toFixed()} × ${high.toFixed()}: ${element.outerHTML.slice(0, 120)}`] : [];
      }),
  );
}

test("a conversation and the pages on a phone", async ({ visit }) => {
  const alice = await visit("alice");
  const { page } = alice;
  const expectLargeEnough = (what: string) => expect.poll(() => tooSmall(page), what).toEqual([]);
  await page.addInitScript(() => Object.defineProperty(Notification, "permission", { get: () => "default" }));
  await alice.signIn();
  await send(await (await visit("bob")).stayOutside(), [toPerson("alice", "Is anybody there?")]);

  await test.step("it opens without the keyboard, and nothing that was tapped stays grey", async () => {
    await alice.goTo("Chat");
    await expectLargeEnough("the list");
    await alice.listed(names.bob).tap();
    await alice.hears("Is anybody there?");
    await expect(page.locator("#chat")).toBeFocused();
    const message = page.locator("#chat .message.chat-msg").first();
    await message.tap();
    await expect(message).toHaveCSS("background-color", "rgba(0, 0, 0, 0)");
    expect(await paintedWhereTapped(page)).toEqual([]);
  });
  await test.step("the account's menu lies above the conversation", async () => {
    await alice.menu().tap();
    await page.getByRole("link", { name: "Settings" }).tap({ trial: true });
    await page.getByRole("button", { name: "Sign out", exact: true }).tap({ trial: true });
    await alice.menu().tap();
    await expect(page.getByRole("link", { name: "Settings" })).toBeHidden();
  });
  await test.step("an address of a conversation shows no list first, and the list is there afterwards", async () => {
    let load = (): void => undefined;
    const loads = new Promise<void>((resolve) => (load = resolve));
    await page.route(/converse\.min\.js/, async (route) => {
      await loads;
      await route.continue();
    });
    const list = page.locator("#conversations");
    await page.goto("/chat/with/bob", { waitUntil: "commit" });
    await expect(page.locator("#chat[data-going]")).toBeVisible();
    await expect(list).toBeHidden();
    load();
    await alice.hears("Is anybody there?");
    await expect(list).toBeHidden();
    await page.locator("#chat converse-controlbox-navback").tap();
    await expect(list).toBeVisible();
    await page.unroute(/converse\.min\.js/);
    await alice.listed(names.bob).tap();
    await alice.hears("Is anybody there?");
  });
  await test.step("the keyboard stays for who goes on writing, and the page offers beside the beginning", async () => {
    await alice.input().tap();
    await expect(alice.input()).toBeFocused();
    await alice.say("I am");
    await expect(alice.input()).toBeFocused();
    const offer = page.locator("#chat-offer");
    await expect(offer).toBeVisible();
    await expect.poll(() => overlap(offer, page.locator("#chat .beginning .conversation-picture"))).toBe(false);
    await expectLargeEnough("a conversation");
  });
  await test.step("the emoji are above what was written so far", async () => {
    await alice.input().fill(Array(8).fill("one more line").join("\n"));
    await page.locator("#chat converse-emoji-dropdown .dropdown-toggle").tap();
    const menu = page.locator("#chat converse-emoji-dropdown .dropdown-menu");
    await expect(menu).toBeVisible();
    expect(await overlap(menu, alice.input())).toBe(false);
    const { y } = (await menu.boundingBox())!;
    expect(y).toBeGreaterThanOrEqual(0);
    await page.keyboard.press("Escape");
    await alice.input().fill("");
  });
  await test.step("what is pressed is as large as a finger, and nothing lies on it", async () => {
    for (const path of ["/settings", "/people", "/rooms", "/"]) {
      await page.goto(path);
      await alice.ready();
      await expectLargeEnough(path);
      for (const name of await page.locator("main .person button.name").all()) expect((await name.boundingBox())!.height, "a name that opens a card is as high as one that does not").toBeLessThan(30);
      const toggle = page.locator("#chat-toggle");
      if (path !== "/settings") {
        const { width, height } = (await toggle.boundingBox())!;
        expect(Math.abs(width - height), "a sign alone: the header has the word").toBeLessThan(1);
        await expect(toggle).toHaveAccessibleName("Chat");
        continue;
      }
      await expect(toggle).toBeHidden();
      await expect(page.getByRole("banner").getByRole("link", { name: "Chat" })).toBeVisible();
    }
    await makeRoom(alice, "Garden");
    await alice.say("Good morning");
    await expectLargeEnough("a room, above a page");
  });
});

test("Back closes what lies above a conversation, which stays", async ({ visit }) => {
  const alice = await visit("alice");
  const { page } = alice;
  await alice.signIn();
  await alice.goTo("Chat");
  await alice.listed("Lobby").tap();
  const room = alice.room("Lobby");
  await attach(alice, await picture(alice, "evening.png"));
  await expectShown(images(alice));
  const viewer = page.getByRole("dialog", { name: "Pictures" });
  const menu = page.locator("#chat .chat-head converse-dropdown");
  const leave = async () => {
    await menu.locator(".dropdown-toggle").tap();
    await menu.locator(".dropdown-item").getByText("Leave").tap();
    await expect(question(alice)).toBeVisible();
    await expect.poll(() => question(alice).evaluate((element) => element.ariaHidden)).toBe("false"); // it has come to rest
  };
  const members = async () => {
    await menu.locator(".dropdown-toggle").tap();
    await menu.locator(".dropdown-item").getByText("Members").tap();
    await expect(member(alice, names.alice)).toBeVisible();
  };
  /** What lies there has an entry, and nothing else. */
  const depth = (expected: number) => expect.poll(() => page.evaluate(() => history.state.above ?? 0)).toBe(expected);
  const entries = () => page.evaluate(() => history.length);
  const stays = async () => {
    await depth(0);
    await expect(room).toBeVisible();
    await expect(page).toHaveURL(/\/chat\/room\/lobby$/);
  };

  await page.evaluate(() => document.addEventListener("foyer:visit", () => document.body.setAttribute("data-visited", "")));
  await test.step("the panel, and a card above it", async () => {
    await members();
    await depth(1);
    await member(alice, names.alice).tap();
    await expect(card(alice)).toBeVisible();
    await depth(2);
    await page.goBack();
    await expect(card(alice)).toHaveCount(0);
    await expect(panel(alice)).toBeVisible();
    await page.goBack();
    await expect(panel(alice)).toBeHidden();
    await stays();
  });
  await test.step("a phone that is turned has the panel beside the conversation, which can be used", async () => {
    const covered = page.locator("#conversejs converse-chats[inert]");
    const { width, height } = page.viewportSize()!;
    await members();
    await expect(covered).toHaveCount(1);
    await page.setViewportSize({ width: height, height: width });
    await expect(covered).toHaveCount(0);
    await expect(panel(alice)).toBeVisible();
    await depth(0);
    await page.setViewportSize({ width, height });
    await expect(covered).toHaveCount(1);
    await depth(1);
    await page.goBack();
    await expect(panel(alice)).toBeHidden();
    await stays();
  });
  await test.step("Forward opens nothing, and takes nothing away", async () => {
    await page.goForward();
    await stays();
    await expect(panel(alice)).toBeHidden();
  });
  await test.step("a picture", async () => {
    await images(alice).first().tap();
    await expect(viewer).toBeVisible();
    await depth(1);
    await page.goBack();
    await expect(viewer).toHaveCount(0);
    await stays();
  });
  await test.step("a question", async () => {
    await leave();
    await depth(1);
    await page.goBack();
    await expect(question(alice)).toHaveCount(0);
    await stays();
  });
  await test.step("what is closed by its own button takes its entry away", async () => {
    await members();
    await depth(1);
    await page.getByRole("button", { name: "Back to the conversation" }).tap();
    await stays();
    await leave();
    await question(alice).getByRole("button", { name: "Cancel" }).tap();
    await expect(question(alice)).toHaveCount(0);
    await stays();
  });
  await expect(page.locator("[data-visited]")).toHaveCount(0); // nobody went anywhere
  await test.step("after a reload nothing lies there, and Back goes to the list", async () => {
    await images(alice).first().tap();
    await expect(viewer).toBeVisible();
    await depth(1);
    const before = await entries();
    await page.reload();
    await alice.ready();
    await expect(viewer).toHaveCount(0);
    await stays();
    expect(await entries()).toBe(before);
    await page.goBack();
    await expect(page).toHaveURL(/\/chat$/);
    await expect(page.locator("#conversations")).toBeVisible();
  });
  await test.step("a conversation that is opened from above the list is one step from it", async () => {
    await page.locator("[data-search]").first().tap();
    await depth(1);
    await page.locator("#search-results .search-option").filter({ hasText: "Lobby" }).first().tap();
    await stays();
    await page.goBack();
    await expect(page).toHaveURL(/\/chat$/);
    await expect(page.locator("#conversations")).toBeVisible();
  });
});

test("Back closes the chat that lies above a page, which stays", async ({ visit }) => {
  const alice = await visit("alice");
  const { page } = alice;
  await alice.signIn();
  await page.evaluate(() => document.addEventListener("foyer:visit", () => document.body.setAttribute("data-visited", "")));
  const chat = page.locator("#chat");
  const entries = await page.evaluate(() => history.length);
  await page.getByRole("button", { name: "Open Lobby" }).tap();
  await expect(alice.room("Lobby")).toBeVisible();
  await expect.poll(() => page.evaluate(() => history.state.above)).toBe(1);
  await page.goBack();
  await expect(chat).toBeHidden();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Hello, Alice Adler");
  await expect(page.locator("[data-visited]")).toHaveCount(0);

  await test.step("closed by its button it takes its entry away", async () => {
    await page.getByRole("button", { name: "Open Lobby" }).tap();
    await expect.poll(() => page.evaluate(() => history.state.above)).toBe(1);
    await page.locator("[data-chat-close]").filter({ visible: true }).tap();
    await expect(chat).toBeHidden();
    await expect.poll(() => page.evaluate(() => history.state.above ?? 0)).toBe(0);
    expect(await page.evaluate(() => history.length)).toBe(entries + 1); // which Forward would go to
  });
  await test.step("a page that is gone to from there is not covered", async () => {
    await page.getByRole("button", { name: "Open Lobby" }).tap();
    await expect(alice.room("Lobby")).toBeVisible();
    await page.evaluate(() => (window as any).Turbo.visit("/people"));
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("People");
    await expect(chat).toBeHidden();
    await page.goBack();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Hello, Alice Adler");
    await expect(chat).toBeHidden();
  });
});

test("a name that is very long leaves room for what stands beside it, in either direction", async ({ visit, database }) => {
  const long = "W".repeat(60);
  await database.script(`UPDATE accounts SET name = '${long}' WHERE username = 'bob'; UPDATE rooms SET title = '${long}' WHERE name = 'lobby'`);
  const bob = await (await visit("bob")).stayOutside();
  await send(bob, [toPerson("alice", "It is a rather long line that says nothing at all, so that it does not fit")]);
  const alice = await visit("alice");
  await alice.openSite();
  const { page } = alice;
  await alice.goTo("Chat");
  const row = page.locator("#conversations .conversation").filter({ hasText: "does not fit" });
  await row.waitFor();
  await row.tap();
  await alice.say("And this is an answer that is just as long, so that it does not fit either");
  await page.locator("#chat converse-controlbox-navback").tap();
  await expect(row.locator(".conversation-who")).toHaveText("You: ");
  const cut = () => page.locator("#conversations .conversation-who").evaluateAll((list) => list.map((who) => who.scrollWidth - who.clientWidth).filter(Boolean));
  expect(await cut()).toEqual([]); // not "Yo…"
  for (const dir of ["ltr", "rtl"]) {
    await page.evaluate((dir) => (document.documentElement.dir = dir), dir);
    await expect(async () => {
      const [picture, name] = await Promise.all([row.locator(".conversation-picture"), row.locator(".conversation-name")].map(async (part) => (await part.boundingBox())!));
      const gap = dir === "ltr" ? name!.x - picture!.x - picture!.width : picture!.x - name!.x - name!.width;
      expect(gap, dir).toBeGreaterThan(0);
      expect(gap, dir).toBeLessThan(20);
    }).toPass({ timeout: 20_000 });
  }
  await page.evaluate(() => (document.documentElement.dir = "ltr"));
  await send(bob, [toPerson("alice", "Beans")]); // nor where what is said is short
  await alice.listed(long).first().tap();
  await alice.say("Peas");
  await page.locator("#chat converse-controlbox-navback").tap();
  await expect(page.locator("#conversations .conversation-text").filter({ hasText: /^Peas$/ })).toBeVisible();
  expect(await cut()).toEqual([]);
});
