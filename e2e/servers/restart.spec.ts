import { makeRoom } from "../support/rooms.ts";
import { ways } from "../support/test.ts";
import { expect, names, test } from "./fixtures.ts";

// The server is restarted under people who chat: the chat comes back by itself, nothing
// that was acknowledged is lost, nothing is there twice, and all is in its order.

const numbered = (n: number, what: string) => Array.from({ length: n }, (_, i) => `${what} ${i + 1}`);

for (const { login, transport } of ways.filter(({ login }) => login === "session" || login === "prebind")) {
  test.describe(`${login}, ${transport}`, { tag: "@interop" }, () => {
    test.use({ login, transport });

    test("a restart of the server is survived", async ({ alice, bob, chat }) => {
      for (const person of [alice, bob]) person.watch.allowOutage();
      const way = `by ${login} and ${transport}`;
      const early = numbered(3, `early ${way}`);
      await alice.talkTo("bob");
      await bob.talkTo("alice");
      for (const text of early) await alice.say(text);
      for (const text of early) await bob.hears(text);

      await chat.kill();
      // To a BOSH session the gateway keeps up appearances: it resumes the stream itself.
      if (transport === "websocket") await expect(alice.page.getByText("Reconnecting …")).toBeVisible({ timeout: 60_000 });
      await alice.page.goto("/rooms");
      await expect(alice.page.getByRole("heading", { level: 1, name: "Rooms" })).toBeVisible(); // the site is there
      await chat.start();
      for (const person of [alice, bob]) await expect(person.notice()).toBeHidden({ timeout: 60_000 });

      await alice.page.goto("/");
      await alice.talkTo("bob");
      await alice.insist(`after ${way}`);
      await bob.talkTo("alice"); // Converse may have closed what was open
      await bob.hears(`after ${way}`);
      await bob.insist(`and back ${way}`);
      await alice.hears(`and back ${way}`);
      const said = [...early, `after ${way}`, `and back ${way}`];
      for (const person of [alice, bob]) {
        const shown = async () => (await person.conversation()).filter((text) => text.endsWith(way) || text.includes(`${way} `));
        await expect.poll(shown).toEqual(said);
      }
    });
  });
}

test("while the server is away pages are there and say so, and the chat comes when it does", { tag: "@interop" }, async ({ visit, chat, kind }) => {
  const away = "The chat is not responding";
  await chat.kill();
  const alice = await visit("alice");
  alice.watch.allowOutage();
  const { page } = alice;
  await alice.openSite(); // nobody has asked for the rooms before, so that none are remembered
  const main = page.getByRole("main");
  await expect(main).toContainText(`${away}, so the rooms cannot be listed.`);
  await expect(main.getByText(names.bob)).toBeVisible();
  await expect(alice.notice()).toHaveText(/Reconnecting …/);

  await page.goto("/rooms");
  await expect(main).toContainText(`${away}, so the rooms cannot be listed.`);
  await page.goto("/rooms/cellar");
  await expect(main).toContainText(`${away}.`);
  await page.goto("/people");
  await expect(main.getByText(names.bob)).toBeVisible();
  await page.goto("/settings");
  await expect(page.getByRole("heading", { name: "Profile" })).toBeVisible();
  await page.goto("/");
  await page.getByText("New room", { exact: true }).click();
  const name = `Shelter for ${kind}`;
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("button", { name: "Make the room" }).click();
  await expect(page.getByRole("alert")).toContainText(`${away}. Please try again in a moment.`);
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue(name); // nothing has to be written again

  await chat.start();
  await expect(alice.notice()).toBeHidden({ timeout: 60_000 });
  await page.goto("/");
  await makeRoom(alice, name);

  await test.step("rooms that were known are listed for a minute more", async () => {
    await chat.kill();
    await page.goto("/rooms");
    await expect(main.getByRole("link", { name })).toBeVisible();
    await expect(main).not.toContainText(away);
    await chat.start();
  });
});
