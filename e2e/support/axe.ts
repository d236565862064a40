import type { Page } from "@playwright/test";
import axe from "axe-core";

const standards = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/**
 * What axe finds of WCAG 2.2 A and AA, in words. It is put into each document once: its half a megabyte takes
 * longer to run than it takes to look.
 *
 * @param theme of the page. Colours are all in which the dark one differs: the other rules look at the light one alone.
 * @param part of the page, a selector; all of it without one. No page has frames.
 */
export async function violations(page: Page, theme: "light" | "dark" = "light", part?: string): Promise<string[]> {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe.source);
  const runOnly: axe.RunOnly = theme === "dark" ? { type: "rule", values: ["color-contrast", "link-in-text-block"] } : { type: "tag", values: standards };
  return page.evaluate(async ({ part, runOnly }) => {
    const { violations } = await (window as unknown as { axe: typeof axe }).axe.run(part ?? document, { resultTypes: ["violations"], runOnly });
    return violations.flatMap(({ id, impact, nodes }) => nodes.map((n) => `${impact} ${id}: ${n.target.join(" ")}: ${n.failureSummary}`));
  }, { part, runOnly });
}
