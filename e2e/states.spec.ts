// States that are seldom seen: axe finds nothing in any of them, in either theme.

import { violations } from "./support/axe.ts";
import { choose, tray } from "./support/files.ts";
import { confirm } from "./support/messages.ts";
import { card, chooseAbove } from "./support/rooms.ts";
import { expect, names, type Person, test } from "./support/test.ts";

async function expectToBeRight({ page }: Person): Promise<void> {
  expect(await violations(page)).toEqual([]);
}

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ contextOptions: { colorScheme, reducedMotion: "reduce" } });

    test("axe finds nothing in what is seldom seen", async ({ alice, bob, visit }) => {
      test.setTimeout(400_000);
      const { page } = alice;

      await test.step("what a visitor reads", async () => {
        const visitor = await visit("carol");
        visitor.watch.allow(/\b404\b/);
        for (const path of ["/articles/garden", "/nothing-here"]) {
          await visitor.page.goto(path);
          await expectToBeRight(visitor);
        }
      });
      await test.step("a search that is narrowed, with something found and with nothing", async () => {
        await bob.talkTo("alice");
        await bob.say("The seeds are here");
        await alice.talkTo("bob");
        await alice.hears("The seeds are here");
        await page.keyboard.press("Control+k");
        const search = page.getByRole("dialog", { name: "Search" });
        await search.getByRole("combobox", { name: "When" }).selectOption({ label: "From … to …" });
        await page.locator("#search-words").fill("seeds");
        await expect(search.getByRole("option")).toContainText(["The seeds are here"]);
        await expect(search.locator(".search-text").first()).toHaveAttribute("dir", "auto"); // as its own script runs
        await expectToBeRight(alice);
        await page.locator("#search-words").fill("wasps");
        await expect(search.getByRole("status")).toHaveText("Nothing was found. Messages are found by whole words.");
        await search.getByRole("checkbox", { name: "Files" }).check();
        await page.locator("#search-words").fill("");
        await expect(search.getByRole("status")).toHaveText("Nothing was found.");
        await expectToBeRight(alice);
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
        await expectToBeRight(alice);
        fail();
        await expect(tray(alice).getByRole("alert")).toHaveText("The file did not get through.");
        await expectToBeRight(alice);
        for (const name of ["beds.txt", "plan.txt"]) await tray(alice).getByRole("button", { name: `: ${name}` }).click();
        await expect(tray(alice)).toHaveCount(0);
      });
      await test.step("somebody who is blocked", async () => {
        await chooseAbove(alice, "Block");
        await confirm(alice);
        await page.goto("/chat/with/bob");
        await expect(page.getByText(`You blocked ${names.bob}.`)).toBeVisible();
        await expectToBeRight(alice);
        await page.locator("#chat converse-chat .head-name").click();
        await expect(card(alice).getByRole("button", { name: "Unblock" })).toBeVisible();
        await expectToBeRight(alice);
        await page.keyboard.press("Escape");
        await page.locator("#chat .composer-blocked").getByRole("button", { name: "Unblock" }).click();
        await expect(alice.input()).toBeVisible();
      });
      await test.step("offline", async () => {
        alice.watch.allowOutage();
        alice.watch.allow(/ERR_INTERNET_DISCONNECTED/);
        await alice.context.setOffline(true);
        await expect(alice.notice()).toContainText("You are offline.");
        await alice.say("I am on the train");
        await expect(page.locator("#chat .chat-msg--unsent")).toBeVisible();
        await expectToBeRight(alice);
      });
    });
  });
}
