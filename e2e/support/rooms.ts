import { expect } from "@playwright/test";
import type { Person } from "./person.ts";

/** Makes a room on the home page, and is in it. */
export async function makeRoom(person: Person, name: string, who: "Everybody" | "Only people who are invited" = "Everybody"): Promise<void> {
  await person.page.getByText("New room", { exact: true }).click();
  await person.page.getByLabel("Name", { exact: true }).fill(name);
  await person.page.getByLabel(who).check();
  await person.page.getByRole("button", { name: "Make the room" }).click();
  await expect(person.room(name)).toBeVisible();
}

/** Opens a room that is listed on the home page. */
export async function enterRoom(person: Person, name: string): Promise<void> {
  await person.page.getByRole("button", { name: `Open ${name}` }).click();
  await expect(person.room(name)).toBeVisible();
}

/** Somebody comes to a room that was made after their page was. */
export async function joinRoom(person: Person, name: string): Promise<void> {
  await person.page.reload();
  await person.ready();
  await enterRoom(person, name);
  await expect(person.input()).toBeVisible();
}

/** Opens the menu on top of a chat or room, and chooses something there. */
export async function chooseAbove(person: Person, entry: string): Promise<void> {
  const menu = person.page.locator("#chat .chat-head converse-dropdown");
  await menu.locator(".dropdown-toggle").click();
  await menu.locator(".dropdown-menu").getByText(entry).click();
}
