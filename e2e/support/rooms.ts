import { expect, type Locator } from "@playwright/test";
import type { Person } from "./person.ts";

/** Makes a room on the home page, and is in it. */
export async function makeRoom(person: Person, name: string, who: "Everybody" | "Whoever is invited" = "Everybody"): Promise<void> {
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

/**
 * Opens what is known about somebody in the room, where moderators change what
 * they may. Who is there is listed on the chat's own page, where there is room.
 */
export async function openOccupant(person: Person, name: string): Promise<Locator> {
  if ((await person.page.locator("body").getAttribute("data-page")) !== "chat") await person.goTo("Chat");
  const sidebar = person.page.locator("#chat converse-muc-sidebar");
  await sidebar.locator(".occupant").filter({ hasText: name }).click();
  await sidebar.getByTitle("Show details").filter({ visible: true }).click();
  const dialog = person.page.locator(".modal.show");
  await expect(dialog.locator(".modal-title")).toHaveText(name);
  return dialog;
}

/** Gives somebody another role or affiliation, in their dialog. */
export async function change(person: Person, name: string, what: "role" | "affiliation", to: string, reason: string): Promise<void> {
  const dialog = await openOccupant(person, name);
  await dialog.locator(`[data-form="${what === "role" ? "row-form" : "affiliation-form"}"]`).click();
  const form = dialog.locator(`.${what}-form`);
  await form.locator("select").selectOption(to);
  await form.getByPlaceholder("Reason").fill(reason);
  await form.getByRole("button", { name: `Change ${what}` }).click();
  await expect(dialog.locator(".alert")).toContainText(/changed/i);
  await dialog.getByRole("button", { name: "Close" }).first().click();
  await expect(dialog).toHaveCount(0);
}
