// The chat by keyboard alone.

import type { Locator, Page } from "@playwright/test";
import { violations } from "./support/axe.ts";
import { Client } from "./support/client.ts";
import { send, toPerson } from "./support/stream.ts";
import { enterRoom, expect, makeRoom, test } from "./support/test.ts";

// what is typed goes to the person who was chosen.
test("a person is written to from the keyboard, no letter is lost, and Escape closes the chat", async ({ alice, database }) => {
  const { page } = alice;
  /** What got to bob, last. */
  const expectSaid = (text: string) => expect.poll(async () => (await database.archived("bob")).at(-1)).toBe(text);

  await test.step("it is written to whom one chose, and Escape closes the chat", async () => {
    await alice.messageButton("bob").focus();
    await page.keyboard.press("Enter");
    await page.keyboard.type("typed at once"); // before the conversation is there
    await page.keyboard.press("Enter");
    await expectSaid("typed at once");
    await expect(alice.input()).toBeFocused();
    await page.keyboard.press("Escape");
    await expect(page.locator("#chat")).toBeHidden();
    await expect(alice.messageButton("bob")).toBeFocused();
    await page.getByRole("button", { name: "Chat", exact: true }).click();
    await expect(alice.input()).toBeFocused();
    await page.keyboard.type("and again");
    await page.keyboard.press("Enter");
    await expectSaid("and again");
  });
  // the keys that come before the field does stand in it, after what was begun there.
  await test.step("no letter is lost that is typed before the conversation is there", async () => {
    await page.evaluate(() => { // as another tab of theirs does
      const key = "foyer-drafts-alice@localhost";
      localStorage.setItem(key, JSON.stringify({ "carol@localhost": "Good " }));
      window.dispatchEvent(new StorageEvent("storage", { key }));
    });
    await page.keyboard.press("Escape");
    await expect(page.locator("#chat")).toBeHidden();
    await alice.messageButton("carol").evaluate((button: HTMLElement) => {
      button.click();
      for (const key of "morning") document.activeElement!.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    });
    await expect(alice.input()).toBeFocused();
    await expect(alice.input()).toHaveValue("Good morning");
    await page.keyboard.type(" to you");
    await page.keyboard.press("Enter");
    await expect.poll(() => database.archived("carol")).toEqual(["Good morning to you"]);
  });
});

/** Presses a key until something has the focus. */
async function tabTo(page: Page, target: Locator, key = "Tab"): Promise<void> {
  for (let i = 0; i < 60; i++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press(key);
  }
  await expect(target).toBeFocused();
}

// X-38 (WCAG 2.1.1, 2.1.2, 2.4.7)
test("menus, emoji, people and the keys that ? lists, in a room", async ({ alice, visit }) => {
  const { page } = alice;
  const bob = await visit("bob");
  await makeRoom(alice, "Book club");
  await bob.signIn();
  await enterRoom(bob, "Book club");
  await bob.say("Anybody?");
  await alice.hears("Anybody?");

  await test.step("what to do with a message, which is made when one comes to it", async () => {
    const bar = page.getByRole("group", { name: "Message actions" });
    await expect(bar).toHaveCount(0);
    await page.getByRole("button", { name: "Message actions" }).last().focus();
    const [first, last] = [bar.getByRole("button", { name: "React" }), bar.locator(".dropdown-toggle")];
    await expect(first).toBeFocused();
    await tabTo(page, last);
    await page.keyboard.press("Enter");
    const items = bar.locator(".dropdown-item:visible");
    await expect(items.first()).toBeFocused();
    await page.keyboard.press("Escape");
    await expect(last).toBeFocused();
    const emoji = page.locator("#chat .reaction-picker");
    await first.click();
    await expect(emoji).toBeVisible();
    await first.click();
    await expect(emoji).toHaveCount(0);
    await first.click();
    await last.click(); // one menu at a time
    await expect(items.first()).toBeVisible();
    await expect(emoji).toHaveCount(0);
    await page.keyboard.press("Escape");
    await first.click();
    await emoji.locator(".more").click();
    await expect(emoji.getByRole("textbox")).toBeVisible();
    await emoji.getByRole("textbox").focus();
    await page.keyboard.press("Escape");
    await expect(emoji).toHaveCount(0);
    await expect(first).toBeFocused();
    await expect(alice.input()).toBeVisible(); // it closes nothing else
  });

  await test.step("Tab leaves the composer, with text in it and without", async () => {
    for (const text of ["", "half a sentence", ":)"]) {
      await alice.input().fill(text);
      await page.keyboard.press("Tab");
      await expect(alice.input()).not.toBeFocused();
      await expect(alice.input()).toHaveValue(text);
      await alice.input().focus();
      await page.keyboard.press("Shift+Tab");
      await expect(alice.input()).not.toBeFocused();
      await alice.input().focus();
    }
    await alice.input().fill("");
  });

  await test.step("the menu of the room", async () => {
    const menu = page.locator("#chat .chat-head converse-dropdown");
    const toggle = menu.locator(".dropdown-toggle");
    await alice.input().focus();
    await tabTo(page, toggle, "Shift+Tab");
    expect(await toggle.evaluate((element) => getComputedStyle(element).outlineStyle)).toBe("solid");
    await page.keyboard.press("Enter");
    const items = menu.locator(".dropdown-item:visible");
    await expect(items.first()).toBeFocused();
    await page.keyboard.press("End");
    await expect(items.last()).toBeFocused();
    await page.keyboard.press("ArrowDown");
    await expect(items.first()).toBeFocused();
    await page.keyboard.press("ArrowUp");
    await expect(items.last()).toBeFocused();
    await page.keyboard.press("Escape");
    await expect(toggle).toBeFocused();
    await expect(page.locator("#chat")).toBeVisible();
    await page.keyboard.press("ArrowDown");
    await expect(items.first()).toBeFocused();
    await tabTo(page, items.filter({ hasText: "Leave" }), "ArrowDown");
    await page.keyboard.press("Enter");
    const dialog = page.locator("#chat .modal.show");
    await expect(dialog).toContainText(/Leave “.+”\?/);
    await expect.poll(() => dialog.evaluate((element) => element.contains(document.activeElement))).toBe(true);
    await page.keyboard.press("Escape");
    await expect(dialog).toHaveCount(0);
    await expect(page.locator("#chat")).toBeVisible();
  });

  await test.step("emoji", async () => {
    const toggle = page.locator("#chat .toggle-emojis");
    await tabTo(page, toggle);
    await page.keyboard.press("Enter");
    const search = page.locator("#chat .chat-toolbar .emoji-search, #chat .bottom-panel .emoji-search").first();
    await expect(search).toBeFocused();
    const results = page.locator("#chat .emojis-lists__container--search");
    const heading = results.getByText("Search results");
    const none = () => results.evaluate((element) => getComputedStyle(element, "::after").content);
    await page.keyboard.type("smilax");
    await expect(results).toBeVisible();
    await expect(heading).toBeHidden();
    expect(await none()).toBe('"No emoji by that name."');
    for (const _ of "ax") await page.keyboard.press("Backspace");
    await page.keyboard.type("e");
    const found = results.locator(".insert-emoji a");
    await expect(found.first()).toBeVisible();
    await expect(heading).toBeVisible();
    expect(await none()).toBe("none");
    await page.keyboard.press("ArrowDown");
    await expect(found.first()).toBeFocused();
    await page.keyboard.press("ArrowRight");
    await expect(found.nth(1)).toBeFocused();
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("Enter");
    await expect(alice.input()).toHaveValue(/\S/);
    await toggle.focus();
    await page.keyboard.press("Enter");
    await expect(search).toBeFocused();
    await page.keyboard.press("Tab");
    await expect(search).not.toBeFocused();
    await page.keyboard.press("Escape");
    await expect(toggle).toBeFocused();
  });

  await test.step("who wrote a message", async () => {
    const author = page.locator("#chat .chat-msg__author a").filter({ hasText: bob.name });
    await alice.input().focus();
    await tabTo(page, author, "Shift+Tab");
    await page.keyboard.press("Enter");
    const card = page.locator("#person-card[open]");
    await expect(card.getByRole("heading", { level: 2 })).toHaveText(bob.name);
    await page.keyboard.press("Escape");
    await expect(card).toHaveCount(0);
    await expect(author).toBeFocused();
  });

  await send(bob, [toPerson("alice", "hello")]);
  await alice.goTo("Chat");
  await expect(alice.listed(bob.name)).toBeVisible();
  await alice.input().fill("");
  await alice.input().focus();
  const list = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  const panel = page.locator("#room-panel");

  await test.step("the list", async () => {
    await page.keyboard.type("?"); // a letter, where one writes
    await expect(list).toHaveCount(0);
    await expect(alice.input()).toHaveValue("?");
    await alice.input().fill("");
    await page.locator("#chat .head-name").focus();
    await page.keyboard.press("?");
    await expect(list).toBeVisible();
    expect(await violations(page, "light", "#shortcuts")).toEqual([]);
    await list.getByLabel("The key ? opens this list").uncheck();
    await page.keyboard.press("Escape");
    await expect(page.locator("#chat .head-name")).toBeFocused();
    await page.keyboard.press("?");
    await expect(list).toHaveCount(0);
    await page.keyboard.press("Control+/");
    await list.getByLabel("The key ? opens this list").check();
    await page.keyboard.press("Control+/");
    await expect(list).toHaveCount(0);
    await alice.menu().press("Enter");
    await page.getByRole("button", { name: "Keyboard shortcuts" }).press("Enter");
    await expect(list).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(alice.menu()).toBeFocused(); // the menu is closed, too
    await expect(page.getByRole("button", { name: "Keyboard shortcuts" })).toBeHidden();
    await page.locator("#chat .head-name").focus();
  });
  await test.step("about the room, its people, and back to the writing", async () => {
    await page.keyboard.press("Alt+Shift+I");
    await expect(panel.getByRole("tab", { name: "About" })).toBeFocused();
    await page.keyboard.press("Alt+Shift+M");
    await expect(panel.getByRole("tab", { name: "Members" })).toHaveAttribute("aria-selected", "true");
    await page.keyboard.press("Escape");
    await expect(panel).toBeHidden();
    await page.keyboard.press("Alt+Shift+C");
    await expect(alice.input()).toBeFocused();
  });
  await test.step("the menu, and the list", async () => {
    await page.keyboard.press("Alt+Shift+O");
    await expect(page.locator("#chat .chat-head .dropdown-item:visible").first()).toBeFocused();
    await page.keyboard.press("Escape");
    await page.keyboard.press("Alt+Shift+L");
    await expect(page.locator("#conversations-find")).toBeFocused();
  });
  await test.step("from one conversation to the next", async () => {
    await page.keyboard.press("Alt+Shift+ArrowDown"); // the one with something new
    await alice.hears("hello");
    await page.keyboard.press("Alt+ArrowDown");
    await expect(page.locator(`#chat converse-chat[jid="bob@localhost"]`)).toHaveCount(0);
    await page.keyboard.press("Alt+ArrowUp");
    await alice.hears("hello");
  });
});

//
test("each letter that the list of keys has does what the list says, from a page with the chat closed, too", async ({ alice, site }) => {
  const { page } = alice;
  const bob = await Client.signIn(site, "bob");
  await bob.say(Array.from({ length: 80 }, (_, i) => `Line ${i}`).join("\n"));
  await makeRoom(alice, "Book club");
  const room = (await alice.listed("Book club").getAttribute("data-jid")) as `${string}@${string}`;
  await bob.enter(room);
  await bob.say(Array.from({ length: 80 }, (_, i) => `Line ${i}`).join("\n"), room);
  await alice.goTo("Chat");
  await alice.listed("Book club").click();
  await alice.hears("Line 79");
  const chat = page.locator("#chat");
  const panel = page.locator("#room-panel");
  const dialog = (name: string) => page.getByRole("dialog", { name });
  const escape = () => page.keyboard.press("Escape");

  /** What each does, and how that is undone. */
  const does: Record<string, () => Promise<unknown>> = {
    L: () => expect(page.locator("#conversations-find")).toBeFocused(),
    C: () => expect(alice.input()).toBeFocused(),
    N: async () => {
      await expect(page.locator("dialog[open]")).toHaveCount(1);
      await escape();
    },
    S: async () => {
      await expect(chat.locator(".emoji-search:visible")).toBeFocused();
      await escape();
    },
    I: async () => {
      await expect(panel.getByRole("tab", { name: "About" })).toHaveAttribute("aria-selected", "true");
      await escape();
    },
    M: async () => {
      await expect(panel.getByRole("tab", { name: "Members" })).toHaveAttribute("aria-selected", "true");
      await escape();
    },
    F: async () => {
      await expect(panel.getByRole("tab", { name: "Files" })).toHaveAttribute("aria-selected", "true");
      await escape();
    },
    K: async () => {
      await expect(dialog("Search")).toContainText("Book club");
      await escape();
    },
    O: async () => {
      await expect(chat.locator(".chat-head .dropdown-item:visible").first()).toBeFocused();
      await escape();
    },
    R: async () => {
      await expect(chat.locator(".reply-preview")).toBeVisible();
      await escape();
      await expect(chat.locator(".reply-preview")).toHaveCount(0);
    },
    E: async () => {
      await expect(chat.locator("converse-reaction-picker").getByRole("button", { name: "👍" })).toBeVisible();
      await escape();
    },
  };
  const press = (letter: string) => page.keyboard.press(`Alt+Shift+${letter}`);

  await test.step("those that are listed are tried here", async () => {
    await page.keyboard.press("Control+/");
    const list = dialog("Keyboard shortcuts");
    await expect(list).toBeVisible();
    const listed = await list.locator("dd").allTextContents();
    await escape();
    const letters = listed.flatMap((keys) => /^(?:Alt|⌥)(?:Shift|⇧)([A-Z])$/.exec(keys.trim())?.[1] ?? []);
    expect(letters.toSorted()).toEqual([...Object.keys(does), "A", "J"].toSorted());
  });
  for (const [letter, done] of Object.entries(does)) {
    await test.step(letter, async () => {
      await alice.input().focus();
      await press(letter);
      await done();
    });
  }
  await test.step("A", async () => {
    await alice.input().focus();
    const chooser = page.waitForEvent("filechooser");
    await press("A");
    expect((await chooser).isMultiple()).toBe(true);
  });
  await test.step("J", async () => {
    await chat.locator(".chat-msg").first().hover();
    await page.mouse.wheel(0, -3000);
    const latest = chat.locator(".to-latest:visible");
    await expect(latest).toBeVisible();
    await press("J");
    await expect(latest).toHaveCount(0);
  });
  await test.step("L opens a chat that is closed, and goes past a conversation to the list", async () => {
    await alice.goTo("Home");
    await page.locator("body").press("Alt+Shift+L");
    await expect(page.locator("#conversations-find")).toBeFocused();
    await alice.listed("Bob Baker").click();
    await expect(alice.input()).toBeFocused();
    await press("L");
    await expect(page.locator("#conversations-find")).toBeFocused();
    await alice.listed("Bob Baker").click();
    await expect(alice.input()).toBeFocused();
    await chat.getByRole("button", { name: "Back to the list" }).press("Enter");
    await expect(page.locator("#conversations-find")).toBeVisible();
    await alice.listed("Bob Baker").click();
    await expect(alice.input()).toBeFocused();
    await escape();
    await expect(chat).toBeHidden();
    await press("L");
    await expect(page.locator("#conversations-find")).toBeFocused();
  });
});
