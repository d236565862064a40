import { expect, type Page } from "@playwright/test";
import { violations } from "./axe.ts";
import { foreignLooks } from "./colours.ts";
import { inBothThemes } from "./test.ts";

/**
 * In both themes: every colour and typeface is one of the site's own, and axe finds nothing.
 *
 * @param part of the page, a selector; all of it without one
 */
export async function expectToLookRight(page: Page, part?: string): Promise<void> {
  await inBothThemes(page, async (theme) => {
    await expect.poll(() => foreignLooks(page, part), theme).toEqual([]); // colours may be on their way
    expect(await violations(page, theme, part), theme).toEqual([]);
  });
}
