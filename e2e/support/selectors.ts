import type { Page } from "@playwright/test";

/**
 * Selectors that make a browser compute styles again for each message that is drawn: with :has() of what a
 * conversation is within, which it looks through for it, of whatever follows something ("legend + *"), and of what is in
 * messages and follows something that is named by its tag alone ("summary + ul": it asks for any ul after anything).
 * Two of children alone are not: ":has(> …)" asks for one level.
 */
export function costlySelectors(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const around = document.querySelector("#chat converse-chat-message")!.parentElement!;
    const selectorsOf = (rules: CSSRuleList): string[] =>
      [...rules].flatMap((rule) => [...(rule instanceof CSSStyleRule ? [rule.selectorText] : []), ...("cssRules" in rule ? selectorsOf(rule.cssRules as CSSRuleList) : [])]);

    /** A text's parts, at separators that stand in no parentheses. */
    const split = (text: string, separators: RegExp) => {
      const parts = [""];
      let depth = 0;
      for (const each of text) {
        depth += Number("([".includes(each)) - Number(")]".includes(each));
        if (depth === 0 && separators.test(each)) parts.push(each, "");
        else parts.push(parts.pop() + each);
      }
      return parts.map((part) => part.trim());
    };

    /** What is asked of an element itself: without what is asked of others, of states, and of what is in it. */
    const own = (compound: string) => {
      const parts = split(compound.replace(/::[\w-]+/g, "").replaceAll(":", "\n:"), /\n/);
      return parts.filter((part) => !/^:(has|hover|focus|active|checked|target)|^:(is|where|not)\(.*:has\(/s.test(part)).join("").replaceAll("\n", "");
    };
    const asksChildren = /:has\(> ?[^ >+~]*\)$/;
    const isWide = (compound: string) => compound.includes(":has(") && !asksChildren.test(compound) && Boolean(around.closest(own(compound) || "*"));
    const isAnything = (compound: string) => /^(\*|:(?!is|where)[^.#[]*)$/.test(compound);
    const isTagAlone = (compound: string) => !/[.#[]/.test(compound.replace(/:not\([^)]*\)/g, ""));
    const isInMessages = (compound: string) => /^[^>+~]/.test(compound) && Boolean(around.querySelector(own(compound) || "*"));

    const isCostly = (selector: string) => {
      const parts = split(selector, /[\s>+~]/).filter(Boolean);
      return parts.some((part, i) => {
        const follows = /^[+~]/.test(parts[i - 1] ?? "");
        return isWide(part) || (follows && (isAnything(part) || (isTagAlone(parts[i - 2]!) && parts.slice(i).some(isInMessages))));
      });
    };
    return [...document.styleSheets].flatMap((sheet) => selectorsOf(sheet.cssRules)).flatMap((list) => split(list, /,/).filter((each) => each !== "," && isCostly(each)));
  });
}
