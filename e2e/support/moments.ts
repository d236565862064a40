// A page that goes away at a chosen moment of a request, and is loaded again.

import { expect } from "@playwright/test";
import type { Person } from "./person.ts";
import type { Site } from "./site.ts";

/**
 * When, with regard to the request or answer that carries a text: before the request
 * left; when it just did; when the answer is there and the page has not read it; when it
 * has, and has kept nothing yet.
 */
type When = "unsent" | "sent" | "unread" | "read";
type Moment = { when: When; text: string; loads: number };

const KEY = "e2e-moment";

/** Runs in each document before its scripts: loads it again at the moment that is noted in the tab. */
export function leaveAtMoment(key: string): void {
  if (location.protocol === "about:") return;
  const moment = (): Partial<Moment> => JSON.parse(sessionStorage.getItem(key) ?? "{}");
  const leave = (loads: number) => {
    if (loads > 1) sessionStorage.setItem(key, JSON.stringify({ loads: loads - 1 }));
    else sessionStorage.removeItem(key);
    document.documentElement.dataset.leaving = "yes"; // this document goes on for a moment
    location.reload();
  };
  const { when, loads } = moment();
  if (loads && !when) document.addEventListener("DOMContentLoaded", () => leave(loads)); // once more

  const { requestIdleCallback: idle } = window;
  window.requestIdleCallback = (callback) => (moment().when === "read" ? 0 : idle(callback));
  const { send } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.send = function (body) {
    const { when, text, loads } = moment();
    if (when === "unsent" && String(body).includes(text!)) return leave(loads!);
    const answered = (event: Event) => {
      const { when, text, loads } = moment();
      if (this.readyState !== XMLHttpRequest.DONE || !this.responseText.includes(text ?? "\0")) return;
      if (when === "unread") {
        event.stopImmediatePropagation();
        leave(loads!);
      }
      if (when === "read") setTimeout(() => leave(loads!));
    };
    this.addEventListener("readystatechange", answered, { capture: true });
    send.call(this, body);
    if (when === "sent" && String(body).includes(text!)) leave(loads!);
  };
}

/** Somebody at a page with leaveAtMoment in it, in whichever browser. */
export interface Leaver {
  evaluate(note: (moment: [string, string]) => void, moment: [string, string]): Promise<unknown>;
  type(text: string): Promise<void>;
  hears(text: string): Promise<void>;
  conversation(): Promise<string[]>;
}

/** Resolves when the page has been left as often as it was to be. */
const left = (leaver: Leaver) =>
  expect
    .poll(() => leaver.evaluate(([key]) => sessionStorage.getItem(key) ?? document.documentElement.dataset.leaving ?? null, [KEY, ""]).catch(() => "between two pages"))
    .toBeNull();

/**
 * XEP-0124 §14.3 (B-28, B-31): whatever moment a page goes away, the session goes on, and
 * nothing is lost or said twice. Both have the chat with the other open.
 */
export async function leaveAtEveryMoment(leaver: Leaver, bob: Person, site: Site): Promise<void> {
  const at = (when: When, text: string, loads: number) =>
    leaver.evaluate(([key, moment]) => sessionStorage.setItem(key, moment), [KEY, JSON.stringify({ when, text, loads })]);
  const said = await leaver.conversation(); // until now
  const { foyer_streams_opened_total: opened } = await site.counts();
  const moments: [When, number][] = [["unsent", 1], ["sent", 2], ["unread", 3], ["read", 2]];
  for (const [when, loads] of moments) {
    const text = `it is ${when}`;
    await at(when, text, loads);
    await (when === "unsent" || when === "sent" ? leaver : bob).type(text);
    await left(leaver);
    await leaver.hears(text);
    await bob.hears(text);
    said.push(text);
    await expect.poll(() => leaver.conversation()).toEqual(said);
    await expect.poll(() => bob.conversation()).toEqual(said);
    expect((await site.counts()).foyer_streams_opened_total, text).toBe(opened);
  }
}

/** The arguments of leaveAtMoment. */
export const momentKey = KEY;
