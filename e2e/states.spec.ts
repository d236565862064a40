// States that are seldom seen, of a conversation: the look is right in each of them, in either theme.

import { choose, tray } from "./support/files.ts";
import { confirm } from "./support/messages.ts";
import { expectToLookRight } from "./support/right.ts";
import { card, chooseAbove } from "./support/rooms.ts";
import { send, toPerson } from "./support/stream.ts";
import { expect, names, test } from "./support/test.ts";

test.use({ contextOptions: { reducedMotion: "reduce" } });

test("what is seldom seen of a conversation looks right, and axe finds nothing", async ({ alice, visit }) => {
  test.setTimeout(300_000);
  const { page } = alice;

  await test.step("one that nobody has begun", async () => {
    await page.goto("/chat/with/carol");
    await expect(page.locator("#chat .beginning")).toHaveText(/This is the beginning of your conversation with Carol Costa. Say hello!/);
    await expectToLookRight(page, "#chat");
    await alice.say("Hello!");
    await expect(page.locator("#chat .beginning")).not.toContainText("Say hello");
  });
  await test.step("a search that is narrowed, with something found and with nothing", async () => {
    await send(await (await visit("bob")).stayOutside(), [toPerson("alice", "The seeds are here")]);
    await alice.listed(names.bob).click();
    await alice.hears("The seeds are here");
    await page.keyboard.press("Control+k");
    const search = page.getByRole("dialog", { name: "Search" });
    await search.getByRole("combobox", { name: "When" }).selectOption({ label: "From … to …" });
    await page.locator("#search-words").fill("seeds");
    await expect(search.getByRole("option")).toContainText(["The seeds are here"]);
    await expect(search.locator(".search-text").first()).toHaveAttribute("dir", "auto"); // as its own script runs
    await expectToLookRight(page, "dialog[open]");
    await page.locator("#search-words").fill("wasps");
    await expect(search.getByRole("status")).toHaveText("Nothing found. Try whole words.");
    await search.getByRole("checkbox", { name: "Files" }).check();
    await page.locator("#search-words").fill("");
    await expect(search.getByRole("status")).toHaveText("Nothing found.");
    await expectToLookRight(page, "dialog[open]");
    await page.keyboard.press("Escape");
  });
  await test.step("files that are under way, and that did not get through", async () => {
    alice.watch.allow(/\/upload\//);
    let fail = () => {};
    const failed = new Promise<void>((resolve) => (fail = resolve));
    await alice.context.route(/\/upload\/.*plan/, (route) => (route.request().method() === "PUT" ? failed.then(() => route.abort()) : route.continue()));
    await choose(alice, ...["plan.txt", "beds.txt"].map((name) => ({ name, mimeType: "text/plain", buffer: Buffer.from(name) })));
    await page.getByTitle("Send the message").click();
    await expect(tray(alice).getByRole("progressbar", { name: "Sending plan.txt" })).toBeVisible();
    await expectToLookRight(page, "#chat");
    fail();
    await expect(tray(alice).getByRole("alert")).toHaveText("The file could not be sent.");
    await expectToLookRight(page, "#chat");
    for (const name of ["beds.txt", "plan.txt"]) await tray(alice).getByRole("button", { name: `: ${name}` }).click();
    await expect(tray(alice)).toHaveCount(0);
  });
  await test.step("with somebody who is blocked", async () => {
    await chooseAbove(alice, "Block");
    await confirm(alice);
    await page.goto("/chat/with/bob");
    await expect(page.getByText(`You blocked ${names.bob}.`)).toBeVisible();
    await expectToLookRight(page);
    await page.locator("#chat converse-chat .head-name").click();
    await expect(card(alice).getByRole("button", { name: "Unblock" })).toBeVisible();
    await expectToLookRight(page, "#person-card");
    await page.keyboard.press("Escape");
    await page.locator("#chat .composer-blocked").getByRole("button", { name: "Unblock" }).click();
    await expect(alice.input()).toBeVisible();
  });
  await test.step("offline, with what is not sent yet", async () => {
    alice.watch.allowOutage();
    alice.watch.allow(/ERR_INTERNET_DISCONNECTED/);
    await alice.context.setOffline(true);
    await expect(alice.notice()).toContainText("You are offline.");
    await alice.say("I am on the train");
    const unsent = page.locator("#chat .chat-msg--unsent");
    await expect(unsent).toBeVisible();
    await expectToLookRight(page);
    await alice.context.setOffline(false);
    await expect(unsent).toHaveCount(0);
  });
});
