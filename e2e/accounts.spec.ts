// From signing up to deleting the account, and what of it the chat sees at once.

import { readFile } from "node:fs/promises";
import { leftovers } from "./support/storage.ts";
import { expect, names, password, screens, test } from "./support/test.ts";

test("somebody new signs up and is in the chat", async ({ bob, visit }) => {
  const { page, watch } = await visit("alice");
  watch.allow(/\b(401|403|422)\b.*\/signin/);
  await test.step("a wrong password says the same for everybody", async () => {
    const answers: string[] = [];
    for (const user of ["alice", "nobody-at-all"]) {
      await page.goto("/signin");
      await page.getByLabel("User name").fill(user);
      await page.getByLabel("Password").fill("not the password");
      await page.getByRole("button", { name: "Sign in", exact: true }).click();
      answers.push((await page.getByRole("alert").innerText()).trim());
      await expect(page.getByLabel("Password")).toBeFocused(); // which is empty again, and said with it
      await expect(page.getByLabel("Password")).toHaveAccessibleDescription(answers.at(-1)!);
    }
    expect(answers[0]).not.toBe("");
    expect(answers[1]).toBe(answers[0]);
  });

  await page.goto("/");
  await page.getByRole("link", { name: "Join" }).click();
  await page.getByLabel("User name").fill("erin");
  await page.getByLabel("Your name").fill("Erin Example");
  await page.getByLabel("Password").fill("short");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByLabel("Password")).toBeFocused(); // the browser itself says it is too short
  await page.getByLabel("Password").fill("a few words in a row");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Hello, Erin Example");

  // Bob, who was here before, learns of it without a reload.
  await page.getByRole("button", { name: `Message ${names.bob}` }).click();
  await page.locator("#chat textarea.chat-textarea").fill("hello, I am new");
  await page.locator("#chat textarea.chat-textarea").press("Enter");
  await expect(bob.page).toHaveTitle(/^\(1\) /);
  await bob.page.reload();
  await bob.page.getByRole("button", { name: "Message Erin Example" }).click();
  await bob.hears("hello, I am new");
});

test("somebody new is proposed a user name, until they choose one", async ({ visit }) => {
  const { page } = await visit("alice");
  const name = page.getByLabel("Your name");
  const user = page.getByLabel("User name");
  await page.goto("/signup");
  await expect(page.getByRole("button", { name: "Show password" })).toBeVisible(); // the script is there
  await expect(user).toHaveAccessibleDescription(/others find you by it.*cannot be changed/);
  for (const [typed, proposed] of [
    ["Zoë O’Brien-Größe ", "zoe.obrien.grosse"], ["Ada", "ada"], [" … ", ""], ["Łukasz 2", "łukasz.2"], ["Дмитрий Ильин", "дмитрий.ильин"], ["हिन्दी", "हिन्दी"],
    [`${"a".repeat(31)} b`, "a".repeat(31)], ["Grace Hopper", "grace.hopper"],
  ] as const) {
    await name.fill(typed);
    await expect(user, typed).toHaveValue(proposed);
  }
  await user.fill("");
  await name.fill("Grace");
  await expect(user, "it was emptied on purpose").toHaveValue("");
  await user.fill("amazing");
  await name.fill("Grace Brewster Hopper");
  await expect(user).toHaveValue("amazing");
});

test("a password is shown on request, and sent as one", async ({ visit }) => {
  const alice = await visit("alice");
  const { page } = alice;
  const where = () => page.locator("#main :is(input, button[type=submit])").evaluateAll((all) => all.map((one) => JSON.stringify(one.getBoundingClientRect())).join());
  const shows = async (label: string, button: string) => {
    const field = page.getByLabel(label, { exact: true });
    const show = page.getByRole("button", { name: button });
    await field.fill("a word");
    const before = await where();
    await field.press("Tab");
    await expect(show).toBeFocused();
    for (const [pressed, type] of [["true", "text"], ["false", "password"]] as const) {
      await show.press("Enter");
      await expect(show).toHaveAttribute("aria-pressed", pressed);
      await expect(field).toHaveAttribute("type", type);
      await expect(field).toHaveValue("a word");
    }
    expect(await where()).toBe(before);
    for (const dir of ["rtl", "ltr"]) { // on the line of the label, at its other end
      await page.evaluate((dir) => (document.documentElement.dir = dir), dir);
      const [button, input] = [(await show.boundingBox())!, (await field.boundingBox())!];
      expect(button.y + button.height).toBeLessThanOrEqual(input.y);
      expect(dir === "rtl" ? button.x - input.x : input.x + input.width - button.x - button.width, dir).toBeCloseTo(-8);
    }
  };
  await page.goto("/signup");
  await shows("Password", "Show password");
  await page.goto("/signin");
  await shows("Password", "Show password");
  await page.getByLabel("User name").fill("alice");
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Show password" }).click();
  await page.evaluate(() => addEventListener("submit", () => document.cookie = `sent=${document.querySelector<HTMLInputElement>("[name=password]")!.type}`));
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Hello");
  expect(await page.evaluate(() => document.cookie)).toContain("sent=password"); // or the browser would keep it as text that one typed
  await page.goto("/settings");
  await shows("Current password", "Show current password");
  await shows("New password", "Show new password");
});

test.describe("without a script", () => {
  test.use({ contextOptions: { javaScriptEnabled: false } });

  test("nothing offers to show a password, and a picture is chosen in the browser's own field", async ({ visit }) => {
    const alice = await visit("alice");
    alice.watch.allow(/converse/);
    await alice.page.goto("/signin");
    await expect(alice.page.getByRole("button", { name: /Show/ })).toHaveCount(0);
    await alice.openSite();
    await alice.page.goto("/settings");
    await expect(alice.page.getByLabel("Choose a picture")).toHaveCSS("opacity", "1"); // it says which was chosen
    await alice.page.getByLabel("Choose a picture").setInputFiles({ name: "me.png", mimeType: "image/png", buffer: await readFile("static/img/apple-touch-icon.png") });
    await alice.page.getByRole("button", { name: "Save picture" }).click();
    await expect(alice.page).toHaveURL(/#picture$/);
    await expect(alice.page.locator("section#picture").getByRole("status").filter({ hasText: "Your picture has been saved." })).toBeInViewport();
  });
});

/** A blue picture as BMP, which packs nothing. */
function bitmap(width: number, height: number): Buffer {
  const size = width * height * 3; // rows are of a multiple of four bytes
  const raw = Buffer.alloc(54 + size, Buffer.from([0xc0, 0x40, 0x20]));
  raw.fill(0, 0, 54).write("BM");
  for (const [at, value] of [[2, raw.length], [10, 54], [14, 40], [18, width], [22, height], [34, size]] as const) raw.writeUInt32LE(value, at);
  raw.writeUInt16LE(1, 26);
  raw.writeUInt16LE(24, 28);
  return raw;
}

test("a name, a picture, a password, and in the end the account itself", async ({ alice, bob, database, visit }) => {
  await bob.talkTo("alice");
  await alice.talkTo("bob");
  await alice.say("before I go");
  await bob.hears("before I go");

  await test.step("a new picture reaches the others' chat while they look", async () => {
    const portrait = bob.page.locator('#chat converse-chat[jid="alice@localhost"] .chat-head converse-avatar image');
    const shown = () => portrait.getAttribute("href");
    const before = await shown();
    await alice.goTo("Settings");
    const file = { name: "me.bmp", mimeType: "image/bmp", buffer: bitmap(2400, 1600) }; // neither as large as the site takes nor of a format that it knows
    await alice.page.getByLabel("Choose a picture").setInputFiles(file);
    await expect(alice.page.locator("#picture canvas.avatar")).toBeVisible(); // as others will see it
    await expect(alice.page.locator("#picture").getByRole("status").filter({ hasText: "not saved yet" })).toBeVisible();
    await alice.page.getByRole("button", { name: "Save picture" }).click();
    await expect(alice.page.locator("#picture img.avatar")).toHaveJSProperty("naturalWidth", 256);
    await expect(alice.page.locator("#picture").getByRole("status").filter({ hasText: "Your picture has been saved." })).toBeInViewport();
    await expect(alice.page.getByRole("button", { name: "Remove picture" })).toBeVisible();
    await expect.poll(shown).not.toBe(before);
    expect(await shown()).toMatch(/^data:image\/\w+;base64,/);
  });

  await test.step("a name reaches the chat of the others", async () => {
    await alice.page.getByLabel("Your name, as others see it").fill("Alice Renamed");
    await alice.page.getByRole("button", { name: "Save profile" }).click();
    await expect(alice.menu()).toContainText("Alice Renamed");
    await bob.page.goto("/");
    await bob.page.getByRole("button", { name: "Message Alice Renamed" }).click();
    await expect(bob.page.locator("#chat .chatbox-title")).toContainText("Alice Renamed");
  });

  const elsewhere = await visit("alice");
  await test.step("changing the password ends the other sessions", async () => {
    await elsewhere.openSite({ as: "Alice Renamed" });
    await elsewhere.enterChat();
    elsewhere.watch.allow(/401/, /WebSocket connection to/);
    await alice.page.getByLabel("Current password").fill(password);
    await alice.page.getByLabel("New password").fill("a few other words");
    await alice.page.getByRole("button", { name: "Change password" }).click();
    await expect(alice.page.getByRole("status").filter({ hasText: /password/i })).toBeVisible();
    await expect(elsewhere.page.getByText("You are signed out.")).toBeVisible();
    await alice.say("this device is still signed in");
  });

  await test.step("a deleted account is gone, for everybody and for good", async () => {
    alice.watch.allow(/401/, /WebSocket connection to/);
    alice.watch.allow(/AbortError: The (connection was closed|transaction was aborted)/); // the site has the browser take its stores away, under the chat of the other tab
    const second = await alice.newTab();
    await second.page.goto("/chat");
    await second.ready();
    await alice.page.goto("/settings");
    await alice.page.getByText("Delete my account …").click();
    await alice.page.getByLabel("Type your user name to confirm").fill("alice");
    await alice.page.getByLabel("Your password").fill("a few other words");
    await alice.page.getByRole("button", { name: "Delete my account for good" }).click();
    await expect(alice.page.getByRole("link", { name: "Sign in" }).first()).toBeVisible();
    await expect(second.page).toHaveURL(/\/signin/);
    await expect.poll(() => leftovers(second)).toEqual([]);
    expect(await database.archived("alice")).toEqual([]);
    expect(await database.archived("bob")).toEqual(["before I go", "this device is still signed in"]); // what she wrote to others stays with them
    await bob.page.reload();
    await bob.ready();
    await expect(bob.around("carol")).toBeVisible();
    await expect(bob.around("alice")).toHaveCount(0);
  });

  await test.step("nor is its name to be had by somebody else", async () => {
    elsewhere.watch.allow(/\b(409|422)\b/);
    const { page } = elsewhere;
    await page.goto("/signup");
    await page.getByLabel("User name").fill("alice");
    await page.getByLabel("Your name").fill("Another Alice");
    await page.getByLabel("Password").fill("a few words in a row");
    await page.getByRole("button", { name: "Create account" }).click();
    await expect(page.getByRole("alert")).toBeVisible();
  });
});

for (const [size, viewport] of Object.entries(screens)) {
  test(`somebody downloads their own data from the settings, ${size}`, async ({ visit }) => {
    const alice = await visit("alice", { contextOptions: { viewport } });
    await alice.openSite();
    await alice.talkTo("bob");
    await alice.say("to be taken along");
    await alice.page.goto("/settings");
    await alice.ready();
    const section = alice.page.locator("#data");
    await section.getByText("Download my data …").click();
    const typed = section.getByLabel("Password, to start the download");
    alice.watch.allow(/\b422\b/);
    await typed.fill("not the password");
    await section.getByRole("button", { name: "Download my data" }).click();
    await expect(typed, "the section is open, at what was wrong").toBeFocused();
    await expect(section.getByText("That is not your password.")).toBeVisible();
    if (process.env["SHOTS"]) await alice.page.screenshot({ path: `${process.env["SHOTS"]}/data-${size}.png` });
    await typed.fill(password);
    const saving = alice.page.waitForEvent("download");
    await section.getByRole("button", { name: "Download my data" }).click();
    const download = await saving;
    expect(download.suggestedFilename()).toMatch(/^foyer-alice-\d{4}-\d\d-\d\d\.zip$/);
    expect(await download.failure()).toBeNull();
    const zip = await readFile(await download.path());
    expect(zip.subarray(0, 4).toString("latin1")).toBe("PK\x03\x04");
    for (const name of ["README.txt", "data.jsonl", "conversations/bob@localhost.txt"]) expect(zip.includes(name), name).toBe(true);
    await expect(alice.page, "the page stays").toHaveURL(/\/settings/);
    await alice.page.goto("/chat/with/bob"); // and the chat
    await alice.say("and the chat goes on");
  });
}
