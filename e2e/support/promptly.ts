import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "@playwright/test";

const NAP = 20; // ms

/**
 * Does something, and waits for what is to come of it, which may take so many milliseconds. The time in which this
 * program wanted to run and did not, because others run on the machine, does not count.
 */
export async function promptly(ms: number, act: () => Promise<unknown>, shown: () => Promise<unknown>): Promise<void> {
  const begin = performance.now();
  let late = 0;
  let over = false;
  const watch = (async () => {
    while (!over) {
      const due = performance.now() + NAP;
      await sleep(NAP);
      late += performance.now() - due;
    }
  })();
  try {
    await act();
    await shown();
  } finally {
    over = true;
  }
  const took = performance.now() - begin - late;
  await watch;
  expect(took, "milliseconds").toBeLessThan(ms);
}
