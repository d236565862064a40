import { expect, type Locator } from "@playwright/test";
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

/** The panel of the room that is open. */
export const panel = (person: Person): Locator => person.page.locator("#room-panel");

/** Somebody among the members in the panel. */
export const member = (person: Person, name: string): Locator => panel(person).locator(".room-person").filter({ hasText: name });

/** A person's card. */
export const card = (person: Person): Locator => person.page.locator("#person-card[open]");

/** The question that the chat asks. */
export const question = (person: Person): Locator => person.page.locator("#chat .modal.show");

/** Does something on somebody's card, and says yes if that is asked. */
export async function moderate(person: Person, name: string, verb: string, asked?: string): Promise<void> {
  await member(person, name).click();
  await card(person).getByRole("button", { name: verb, exact: true }).click();
  await expect(card(person)).toHaveCount(0);
  if (!asked) return;
  await expect(question(person).locator(".modal-title")).toHaveText(asked);
  await question(person).getByRole("button", { name: verb, exact: true }).click();
  await expect(question(person)).toHaveCount(0);
}

/** Changes in the panel what a room is about, or its topic. */
export async function describe(person: Person, field: "Name" | "What it is about" | "Topic", text: string): Promise<void> {
  await panel(person).getByRole("button", { name: `Change: ${field}` }).click();
  await panel(person).getByLabel(field).fill(text);
  await panel(person).getByRole("button", { name: "Save" }).click();
  await expect(panel(person).locator(".room-about__field").getByText(text)).toBeVisible();
}
