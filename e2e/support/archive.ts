import { expect, type Page } from "@playwright/test";

/** Sees what a page asks the archive (XEP-0313) over its WebSockets, those that it opens from here on. */
export class Archive {
  private answered = 0;
  private readonly open = new Set<{ waiting: number }>();

  constructor(page: Page) {
    page.on("websocket", (socket) => {
      const stream = { waiting: 0 };
      this.open.add(stream);
      socket.on("framesent", ({ payload }) => void (stream.waiting += count(payload, /<query [^>]*urn:xmpp:mam:2/g)));
      socket.on("framereceived", ({ payload }) => {
        const answers = count(payload, /<fin [^>]*urn:xmpp:mam:2/g);
        stream.waiting -= answers;
        this.answered += answers;
      });
      socket.on("close", () => this.open.delete(stream)); // what it asked last is answered on the next, if at all
    });
  }

  /** Does something that asks the archive, and waits until all that was asked is answered. */
  async answers(act: () => Promise<unknown>): Promise<void> {
    const before = this.answered;
    await act();
    await expect.poll(() => this.answered > before && [...this.open].every(({ waiting }) => waiting <= 0)).toBe(true);
  }
}

const count = (payload: string | Buffer, pattern: RegExp) => [...String(payload).matchAll(pattern)].length;
