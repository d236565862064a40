import { expect } from "@playwright/test";
import { unmet } from "./glossary.mjs";
import type { Person } from "./person.ts";

/** What docs/GLOSSARY.md says that nobody meets. */
const forbidden = unmet();

/** Everything that the chat says, what shows on hovering and what is read aloud included, is without addresses and words of the protocol. */
export async function expectPlain(person: Person): Promise<void> {
  const said = await person.page.locator("#chat, dialog[open]").evaluateAll((parts) => {
    const attributes = ["title", "aria-label", "placeholder", "alt"];
    const hidden = parts.flatMap((part) => [...part.querySelectorAll("*")]).flatMap((element) => attributes.map((name) => element.getAttribute(name) ?? ""));
    return [...parts.map((part) => (part as HTMLElement).innerText), ...hidden].join("\n");
  });
  expect(said).not.toContain("@");
  expect(said).not.toMatch(forbidden);
}
