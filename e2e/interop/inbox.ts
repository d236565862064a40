/** How long somebody waits for what should come. */
const patience = 60_000; // ms; it bounds a test that fails

/** What came and has not been asked for, in order. */
export class Inbox<T> {
  private readonly items: T[] = [];
  private readonly waiting = new Set<() => void>();

  put(item: T): void {
    this.items.push(item);
    for (const look of this.waiting) look();
  }

  /** Takes the first item that matches, here already or still to come. */
  take(what: string, matches: (item: T) => boolean): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const at = this.items.findIndex(matches);
        if (at < 0) return;
        clearTimeout(timer);
        this.waiting.delete(look);
        resolve(this.items.splice(at, 1)[0]!);
      };
      const timer = setTimeout(() => {
        this.waiting.delete(look);
        reject(new Error(`${what} did not come; what came: ${JSON.stringify(this.items.map(String))}`));
      }, patience);
      this.waiting.add(look);
      look();
    });
  }

  /** What came and nobody took. */
  rest(): readonly T[] {
    return this.items;
  }
}
