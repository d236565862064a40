import { writeFile } from "node:fs/promises";
import { attach, choose, expectShown, images, picture, tray } from "../support/files.ts";
import type { Person } from "../support/person.ts";
import { expect, test } from "./fixtures.ts";

// Files go to the chat server and come from it, from an origin of its own that pages may
// reach with UPLOAD_ORIGINS; the site keeps none of them.

const most = 25 * 1024 * 1024; // as the files of deploy/ have it
const whileItIsSent = { timeout: 90_000 }; // Prosody takes a second of a core for it, and is one of many programs here

test("files that one sends, the other has, from where the server keeps them", { tag: "@once" }, async ({ alice, bob, household, site }, info) => {
  const { files } = household;
  await alice.talkTo("bob");
  await bob.talkTo("alice");

  const garden = await picture(alice, "garden.png");
  await attach(alice, garden);
  for (const person of [bob, alice]) await expectShown(images(person));
  await expect(bob.page.getByRole("link", { name: "Picture: garden.png" })).toBeVisible();
  const address = (await images(bob).getAttribute("src"))!;
  expect(address.startsWith(`${files}/`), address).toBe(true);

  const card = (person: Person) => person.page.locator("#chat .file-card");
  await writeFile(info.outputPath("plan.pdf"), Buffer.alloc(most, "x"));
  await attach(alice, info.outputPath("plan.pdf"));
  for (const person of [bob, alice]) await expect(card(person)).toHaveText(/plan\.pdf\s*PDF · 26\.2 MB/, whileItIsSent);
  await bob.page.reload();
  await expectShown(images(bob));
  await expect(card(bob)).toContainText("26.2 MB");

  await test.step("what is too large is not even asked for", async () => {
    await writeFile(info.outputPath("film.bin"), Buffer.alloc(most + 1));
    await choose(alice, info.outputPath("film.bin"));
    await expect(tray(alice).getByText("It is too large: the limit is 26.2 MB.")).toBeVisible();
  });

  await test.step("what is kept is that file; it runs nothing, and only the site's pages may read it", async () => {
    const { host, port } = new URL(files); // a name that browsers know by themselves
    const ask = (origin: string) => bob.context.request.get(address.replace(host, `127.0.0.1:${port}`), { headers: { host, origin } });
    const answer = await ask(site.url);
    expect((await answer.body()).equals(garden.buffer)).toBe(true);
    expect(answer.headers()).toMatchObject({
      "access-control-allow-origin": site.url,
      "content-security-policy": expect.stringContaining("default-src 'none'"),
      "content-type": "image/png",
      "x-content-type-options": "nosniff",
    });
    const elsewhere = "https://elsewhere.example";
    expect((await ask(elsewhere)).headers()["access-control-allow-origin"]).not.toBe(elsewhere);
    expect((await site.counts()).foyer_uploads_total ?? 0).toBe(0);
  });
});
