// What is behind a link, below the message that has it: fetched by the site, so that
// no browser asks anybody else (support/watch.ts fails on that).

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { violations } from "./support/axe.ts";
import { bubble } from "./support/messages.ts";
import { comeToRest } from "./support/rest.ts";
import { expect, type Person, test as base } from "./support/test.ts";

type Wiki = { url: string; asked: string[]; picture: Buffer };

/** A site in the operator's network, whose pages may be shown. */
const test = base.extend<{ wiki: Wiki }>({
  wiki: async ({}, use) => {
    const wiki: Wiki = { url: "", asked: [], picture: Buffer.alloc(0) };
    const server = createServer((request, response) => {
      wiki.asked.push(request.url!);
      if (request.url === "/bee.png") return response.setHeader("Content-Type", "image/png").end(wiki.picture);
      if (request.url === "/plain") return response.setHeader("Content-Type", "text/plain").end("nothing to see");
      response.setHeader("Content-Type", "text/html; charset=utf-8").end(
        `<!doctype html><title>Bees &lt;b&gt;and&lt;/b&gt; flowers</title><meta property="og:site_name" content="The garden wiki">
         <meta name="description" content="Who visits whom, and when: a calendar of what blooms in the garden and of those who come for it.">
         <meta property="og:image" content="/bee.png">`,
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    wiki.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await use(wiki);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  },
  settings: async ({ wiki }, use) => use({ LINK_PREVIEWS: "true", LINK_PREVIEW_ORIGINS: wiki.url }),
});

const card = (person: Person) => person.page.locator("#chat .link-card");

const phone = { viewport: { width: 390, height: 844 }, reducedMotion: "reduce" } as const;
const desk = { viewport: { width: 1440, height: 900 }, reducedMotion: "reduce", colorScheme: "dark" } as const;

test("a link shows what is behind it, to both, and until somebody hides it", async ({ visit, wiki }, info) => {
  const [alice, bob] = [await visit("alice", { contextOptions: phone }), await visit("bob", { contextOptions: desk })];
  for (const person of [alice, bob]) await person.signIn();
  wiki.picture = await bob.page.screenshot();
  await alice.talkTo("bob");
  await bob.talkTo("alice");
  await alice.say(`Look: ${wiki.url}/bees#spring, and ${wiki.url}/other`);
  for (const person of [alice, bob]) {
    await expect(card(person)).toContainText("The garden wiki");
    await expect(card(person)).toContainText("Bees <b>and</b> flowers"); // text, whatever it says
    await expect(card(person).getByRole("link")).toHaveAttribute("href", `${wiki.url}/bees#spring`);
    const picture = card(person).locator("img");
    await expect.poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(256);
    expect(new URL((await picture.getAttribute("src"))!, person.page.url()).origin).toBe(new URL(person.page.url()).origin);
  }
  expect(wiki.asked.filter((path) => path !== "/bee.png")).toEqual(["/bees"]); // once for all

  await test.step("it fits and can be read, on a phone and, in the dark, at a desk", async () => {
    for (const [{ page }, theme, { viewport }] of [[alice, "light", phone], [bob, "dark", desk]] as const) {
      const box = (await page.locator("#chat .link-card").boundingBox())!;
      expect(box.x + box.width).toBeLessThanOrEqual(viewport.width);
      await page.evaluate(comeToRest);
      expect(await violations(page, theme, ".link-card"), theme).toEqual([]);
      await page.screenshot({ path: info.outputPath(`preview-${theme}.png`) });
    }
  });

  await bob.say(`${wiki.url}/plain`);
  await alice.hears("/plain");
  await expect.poll(() => wiki.asked).toContain("/plain");
  await bob.say(`${wiki.url}/wasps`); // asked for after that
  await expect(card(alice)).toHaveCount(2);
  await expect(bubble(alice, "/plain").locator(".link-card")).toHaveCount(0);

  const look = bubble(bob, "Look:").locator(".link-card");
  await look.hover();
  await look.getByRole("button", { name: "Hide the preview" }).click();
  await expect(look).toHaveCount(0);
  await bob.page.reload();
  await expect(bubble(bob, "/wasps").locator(".link-card")).toHaveCount(1);
  await expect(look).toHaveCount(0);
  await expect(card(alice)).toHaveCount(2);
});
