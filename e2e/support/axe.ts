import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";

const standards = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/**
 * What axe finds of WCAG 2.2 A and AA, in words.
 *
 * @param theme of the page. Colours are all in which the dark one differs: the other rules look at the light one alone.
 * @param part of the page, a selector; all of it without one
 */
export async function violations(page: Page, theme: "light" | "dark" = "light", part?: string): Promise<string[]> {
  // No page has frames: axe needs no page of its own to put their parts together, and nobody reads what it did not find.
  const axe = new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ["violations"] });
  if (part) axe.include(part);
  const { violations } = await (theme === "dark" ? axe.withRules(["color-contrast", "link-in-text-block"]) : axe.withTags(standards)).analyze();
  return violations.flatMap(({ id, impact, nodes }) => nodes.map((n) => `${impact} ${id}: ${n.target.join(" ")}: ${n.failureSummary}`));
}
