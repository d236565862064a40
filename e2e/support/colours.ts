import type { Page } from "@playwright/test";

/**
 * Computed colours of what is in sight that are none of tokens.css, each once, with
 * where it was found; and typefaces that are not the system's.
 */
export function foreignLooks(page: Page, within = "body"): Promise<string[]> {
  return page.evaluate((selector) => {
    const probe = document.body.appendChild(document.createElement("i"));
    const resolved = (value: string) => {
      probe.style.color = "";
      probe.style.color = value;
      return getComputedStyle(probe).color;
    };
    const root = getComputedStyle(document.documentElement);
    const names = [...document.styleSheets]
      .flatMap((sheet) => [...sheet.cssRules]) // all but the rules of tokens.css are in layers
      .flatMap((rule) => (rule instanceof CSSStyleRule ? [...rule.style] : []))
      .filter((name) => name.startsWith("--") && CSS.supports("color", root.getPropertyValue(name)));
    const tokensOf = (scheme: string) => {
      probe.style.colorScheme = scheme;
      return new Set(names.map((name) => resolved(`var(${name})`)));
    };
    const tokens = new Map(["", "dark"].map((scheme) => [scheme, tokensOf(scheme)])); // some things are dark in every theme
    probe.remove();

    const found = new Map<string, string>();
    const transparent = (colour: string) => /^transparent$|, 0\)$|\/ 0\)$/.test(colour);
    const colours = /(?:rgba?|oklab|oklch|color|hsla?|lab|lch)\([^()]*\)|#[0-9a-f]{3,8}/g;
    const look = (element: Element, pseudo?: string) => {
      const style = getComputedStyle(element, pseudo);
      if (pseudo && ["none", "normal"].includes(style.content)) return;
      const used: [string, string][] = [["color", style.color], ["background-image", style.backgroundImage.replace(/url\([^)]*\)/g, "")], ["box-shadow", style.boxShadow]];
      if (style.backgroundImage === "none") used.push(["background-color", style.backgroundColor]);
      for (const side of ["top", "right", "bottom", "left"]) {
        if (parseFloat(style.getPropertyValue(`border-${side}-width`)) > 0) used.push([`border-${side}`, style.getPropertyValue(`border-${side}-color`)]);
      }
      if (style.outlineStyle !== "none") used.push(["outline", style.outlineColor]);
      if (element instanceof SVGElement && !element.closest("defs, [hidden]")) used.push(["fill", style.fill], ["stroke", style.stroke]);
      const known = tokens.get(style.colorScheme) ?? tokens.get("")!;
      const where = `${element.tagName.toLowerCase()}${element.id && `#${element.id}`}${[...element.classList].map((name) => `.${name}`).join("")}${pseudo ?? ""}`;
      for (const [property, value] of used) {
        for (const [colour] of value.matchAll(colours)) {
          if (!known.has(colour) && !transparent(colour) && !found.has(colour)) found.set(colour, `${property}: ${colour} of ${where}`);
        }
      }
      const face = style.fontFamily;
      if (!/system-ui|ui-monospace/.test(face)) found.set(face, `font-family: ${face} of ${where}`);
    };
    for (const element of document.querySelectorAll(`${selector}, ${selector} *`)) {
      if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
      if (element.closest("img, video, audio, option, noscript, script")) continue;
      if (element.closest(".avatar, converse-avatar")?.querySelector("image")) continue; // people's pictures
      look(element);
      look(element, "::before");
      look(element, "::after");
    }
    return [...found.values()];
  }, within);
}
