import { expect, type Locator } from "@playwright/test";
import type { Person } from "./person.ts";

const brief = { timeout: 5000 }; // ms

/** What is offered beside a message, in its bar or in the menu there. */
export type Action = "React" | "Edit" | "Delete" | "Reply" | "Copy link" | "Pin to room" | "Unpin";

/** A whole message of the chat that is open: text, reactions and menu. */
export function bubble(person: Person, text: string): Locator {
  return person.page.locator("#chat converse-chat-message").filter({ hasText: text }).filter({ has: person.page.locator(".chat-msg") });
}

/** What stands where a message was. */
export function tombstones(person: Person): Locator {
  return person.page.locator("#chat .chat-msg--retracted .retraction");
}

/** What needs no menu. */
const quick: Action[] = ["React", "Reply"];

/** The bar beside a message. */
async function hover(person: Person, text: string): Promise<Locator> {
  const message = bubble(person, text).last();
  await message.hover();
  return message.locator(".message-bar");
}

/** Opens the menu of a message. */
async function openMenu(person: Person, text: string): Promise<Locator> {
  const menu = (await hover(person, text)).locator(".chat-msg__actions");
  if (!(await menu.locator(".dropdown-menu").isVisible())) await menu.locator(".dropdown-toggle").click(brief);
  return menu;
}

/**
 * Chooses something in the menu of a message, and does what follows there. The
 * menu is made again whenever the message changes, as when the server has it:
 * people press again then.
 */
export async function choose(person: Person, text: string, action: Action, then?: () => Promise<void>): Promise<void> {
  await expect(async () => {
    const offered = quick.includes(action) ? await hover(person, text) : await openMenu(person, text);
    await offered.getByRole("button", { name: action, exact: true }).click(brief);
    await then?.();
  }).toPass();
}

/** Presses the button of the question that the chat asks. */
export async function confirm(person: Person): Promise<void> {
  const dialog = person.page.locator(".modal.show");
  await dialog.locator("button[type=submit]").click();
  await expect(dialog).toHaveCount(0);
}

export async function react(person: Person, text: string, emoji: string): Promise<void> {
  const picker = bubble(person, text).locator("converse-reaction-picker");
  await choose(person, text, "React", () => picker.getByRole("button", { name: emoji }).click(brief));
}

/** The reactions under a message, with how many chose each. */
export async function expectReactions(person: Person, text: string, expected: string[]): Promise<void> {
  await expect(bubble(person, text).locator(".chat-msg__reaction")).toHaveText(expected.map((each) => new RegExp(`^\\s*${each.replace(" ", "\\s*")}\\s*$`, "u")));
}

/** Answers a message, which then shows above the answer. */
export async function reply(person: Person, text: string, answer: string): Promise<void> {
  await choose(person, text, "Reply");
  await expect(person.page.locator("#chat .reply-preview").filter({ visible: true })).toContainText(text);
  await person.say(answer);
}

export async function correct(person: Person, text: string, better: string): Promise<void> {
  await choose(person, text, "Edit");
  await expect(person.input()).toHaveValue(text);
  await person.type(better);
}

/** Takes back a message of one's own. */
export async function retract(person: Person, text: string): Promise<void> {
  await choose(person, text, "Delete");
  await confirm(person);
}
