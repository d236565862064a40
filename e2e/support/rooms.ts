import { expect } from "@playwright/test";
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
