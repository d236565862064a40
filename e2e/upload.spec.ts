// Files in the chat: pictures show in place, the rest comes as a file to be
// saved, and what is refused says why (S-98, S-99).

import type { Locator } from "@playwright/test";
import { expect, type Person, test } from "./support/test.ts";

type File = { name: string; mimeType: string; buffer: Buffer };

/** A real picture: what the page looks like. */
async function picture(person: Person, name: string): Promise<File> {
  return { name, mimeType: "image/png", buffer: await person.page.screenshot() };
}

/** Attaches a file, as the button with the paper clip does. */
async function attach(person: Person, file: File): Promise<void> {
  await person.page.locator("#chat input[type=file]").setInputFiles(file);
}

function images(person: Person): Locator {
  return person.page.locator("#chat .chat-msg img.chat-image");
}

async function expectShown(image: Locator): Promise<void> {
  await expect(image).toBeVisible();
  await expect.poll(() => image.evaluate((i: HTMLImageElement) => i.complete && i.naturalWidth)).toBeGreaterThan(0);
}

test("a picture shows in place, for both, and again after a reload", async ({ alice, bob, site }) => {
  await alice.talkTo("bob");
  await bob.talkTo("alice");
  await expect(alice.page.getByTitle("Choose a file to send")).toBeVisible();
  await attach(alice, await picture(alice, "très cool (1).png"));
  await expectShown(images(bob));
  await expectShown(images(alice));
  await alice.page.reload();
  await expectShown(images(alice));
  const counts = await site.counts();
  expect(counts.foyer_uploads_total).toBe(1);
});
