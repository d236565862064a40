import { basename } from "node:path";
import { expect, type Locator } from "@playwright/test";
import type { Person } from "./person.ts";

/** A file as a browser is given it. */
export type File = { name: string; mimeType: string; buffer: Buffer };

/** A real picture: what the page looks like. */
export async function picture(person: Person, name: string): Promise<File> {
  return { name, mimeType: "image/png", buffer: await person.page.screenshot() };
}

/** Chooses files, as the button with the paper clip does; large ones by their paths. */
export async function choose(person: Person, ...files: File[] | string[]): Promise<void> {
  await person.page.locator("#chat input[type=file]").setInputFiles(files);
}

/** Chooses a file, or one that is on disk, and sends it. */
export async function attach(person: Person, file: File | string): Promise<void> {
  if (typeof file === "string") await choose(person, file);
  else await choose(person, file);
  await tray(person).getByText(typeof file === "string" ? basename(file) : file.name).waitFor();
  await person.page.getByTitle("Send the message").click();
}

/** What stands above the composer and is not sent. */
export const tray = (person: Person): Locator => person.page.getByRole("list", { name: "To be sent" });

/** The pictures in the conversation that is open. */
export const images = (person: Person): Locator => person.page.locator("#chat .chat-msg img.chat-image");

/** Expects a picture to be there in its bytes, and not only in its place. */
export async function expectShown(image: Locator): Promise<void> {
  await expect(image).toBeVisible();
  await expect.poll(() => image.evaluate((i: HTMLImageElement) => i.complete && i.naturalWidth)).toBeGreaterThan(0);
}
