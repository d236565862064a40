import { expect, type Page } from "@playwright/test";

/** Sees what a page asks the archive (XEP-0313) over its WebSockets, those that it opens from here on. */
export class Archive {
  private asked = 0;
  private answered = 0;

  constructor(page: Page) {
    page.on("websocket", (socket) => {
      socket.on("framesent", ({ payload }) => void (this.asked += count(payload, /<query [^>]*urn:xmpp:mam:2/g)));
      socket.on("framereceived", ({ payload }) => void (this.answered += count(payload, /<fin [^>]*urn:xmpp:mam:2/g)));
    });
  }

  /** Does something that asks the archive, and waits until all that was asked is answered. */
  async answers(act: () => Promise<unknown>): Promise<void> {
    const before = this.answered;
    await act();
    await expect.poll(() => this.answered > before && this.answered === this.asked).toBe(true);
  }
}

const count = (payload: string | Buffer, pattern: RegExp) => [...String(payload).matchAll(pattern)].length;
