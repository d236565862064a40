import { expect } from "@playwright/test";
import { violations } from "./axe.ts";
import { foreignLooks } from "./colours.ts";
import type { Person } from "./person.ts";
import { inBothThemes, screens } from "./test.ts";

/** Nothing is wrong with a part of a page: in the light theme on the screen that somebody has, in the dark theme on the other one. */
export async function expectClean({ page }: Person, part: string): Promise<void> {
  const own = page.viewportSize()!;
  const other = own.width === screens.phone.width ? screens.wide : screens.phone;
  await inBothThemes(page, async (theme) => {
    if (theme === "dark") await page.setViewportSize(other);
    expect(await violations(page, theme, part), theme).toEqual([]);
    await expect.poll(() => foreignLooks(page, part), theme).toEqual([]);
  });
  await page.setViewportSize(own);
}
