import { expect, type Page } from "@playwright/test";
import { violations } from "./axe.ts";
import { foreignLooks } from "./colours.ts";
import type { Person } from "./person.ts";
import { inBothThemes, screens } from "./test.ts";

async function look(page: Page, theme: "light" | "dark", part?: string): Promise<void> {
  await expect.poll(() => foreignLooks(page, part), theme).toEqual([]); // colours may be on their way
  expect(await violations(page, theme, part), theme).toEqual([]);
}

/**
 * In both themes: every colour and typeface is one of the site's own, and axe finds nothing.
 *
 * @param part of the page, a selector; all of it without one
 */
export const expectToLookRight = (page: Page, part?: string): Promise<void> => inBothThemes(page, (theme) => look(page, theme, part));

/** The same of a part of a page: in the light theme on the screen that somebody has, in the dark theme on the other one. */
export async function expectClean({ page }: Person, part: string): Promise<void> {
  const own = page.viewportSize()!;
  const other = own.width === screens.phone.width ? screens.wide : screens.phone;
  const depth = () => page.evaluate(() => history.state?.above ?? 0);
  const before = await depth();
  await inBothThemes(page, async (theme) => {
    if (theme === "dark") await page.setViewportSize(other);
    await look(page, theme, part);
  });
  await page.setViewportSize(own);
  await expect.poll(depth, "the entries of what lies above a conversation, on a phone").toBe(before);
}
