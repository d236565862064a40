import { expect } from "@playwright/test";
import type { Person } from "./person.ts";

/** Presses the lock, once the other side's devices are known; it may be closed already, or be just then. */
export async function encrypt(person: Person): Promise<void> {
  const button = person.page.locator('#chat .toggle-omemo[data-disabled="false"]');
  const closed = button.locator("converse-icon.fa-lock");
  await expect(button).toBeVisible();
  await expect(async () => {
    if ((await closed.count()) === 0) await button.click();
    await expect(closed).toBeVisible({ timeout: 5000 });
  }).toPass({ timeout: 60_000 });
}
