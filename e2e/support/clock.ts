// A browser whose clock is wrong.

import type { Person } from "./person.ts";

export const MINUTE = 60_000; // ms

/** Puts the clock of somebody's browser forward, or back. */
export async function setClock(person: Person, by: number): Promise<void> {
  await person.context.addInitScript((ms) => {
    const Right = Date;
    globalThis.Date = class extends Right {
      constructor(...args: []) {
        if (args.length) super(...args);
        else super(Right.now() + ms);
      }
      static override now = () => Right.now() + ms;
    } as DateConstructor;
  }, by);
}
