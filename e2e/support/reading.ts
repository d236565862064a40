// Somebody who reads a conversation from one end to the other, and what they see move.

/** What they saw, and by how much it moved. */
export type Reading = {
  /** The ids of messages, in the order in which they came in sight. */
  seen: string[];
  /** px by which messages that were in sight together moved apart from one frame to the next, at most; Infinity where none stayed in sight. */
  apart: number;
  /** How each moved when one of them moved most from the others, and in which step. */
  most: string;
  /** px by which what was in sight moved, for each step: downwards where somebody scrolls up. */
  moves: number[];
  /** Messages that were drawn, at most. */
  drawn: number;
  /** ms of the longest task of the main thread, where a browser tells. */
  task: number;
};

/** The tab of Playwright or Puppeteer that shows the conversation, as far as both are the same. */
type Tab = { evaluate(act: any, given: any): Promise<any> };

type Watch = {
  reading: Reading;
  /** px that what is in sight has moved */
  travel: number;
  /** Whether the end of the conversation that somebody reads towards is in sight. */
  isOver: () => boolean;
  /** Resolves after the next frame has its layout. */
  frame: () => Promise<void>;
  /** Resolves when nothing has moved for some frames, and no scrolling of the browser's own, as by keys, goes on. */
  still: (frames?: number) => Promise<void>;
};

declare global {
  var watch: Watch;
}

/**
 * Runs in a page: messages come to be longer, one is removed, all of them out of sight, some above and some below.
 * Returns how many there were.
 */
export async function changeAround(): Promise<number> {
  const view = document.querySelector("#chat converse-chat .chat-content__messages")!.getBoundingClientRect();
  const rows = [...document.querySelectorAll<HTMLElement & { model: any }>("#chat converse-chat-message")].map((row) => ({ model: row.model, box: row.getBoundingClientRect() }));
  const text = "And one line more.\n".repeat(9);
  const above = rows.filter(({ box }) => box.bottom < view.top).slice(-3);
  const below = rows.filter(({ box }) => box.top > view.bottom).slice(0, 3);
  for (const { model } of [...above.slice(1), ...below.slice(1)]) model.set({ body: text, message: text, media_urls: undefined, oob_url: undefined, reply_to_id: undefined });
  for (const { model } of [...above.slice(0, 1), ...below.slice(0, 1)]) model.collection.remove(model);
  await globalThis.watch.still();
  return above.length + below.length;
}

/** Runs in a page: resolves when each link that is drawn has the card that the site has for it (answerLate). */
export async function cardsCame(): Promise<void> {
  const waits = (row: Element) => /page-\d*[0-57-9]\b/.test(row.textContent) && !row.querySelector(".link-card");
  const rows = () => [...document.querySelectorAll("#chat converse-chat-message")];
  while (!rows().length || rows().some(waits)) await new Promise((done) => requestAnimationFrame(done));
}

/** What moves in a conversation while something is done. */
export async function movedBy(tab: Tab, act: () => Promise<unknown>): Promise<number> {
  await tab.evaluate(startWatch, { up: true, last: "" });
  await act();
  return tab.evaluate(async () => {
    await globalThis.watch.still();
    return Math.max(globalThis.watch.reading.apart, Math.abs(globalThis.watch.travel));
  }, null);
}

/**
 * Runs in a page: notes after each frame, of which there has been one when it resolves, where the messages in sight are.
 * An observer of sizes is told of what it begins to observe, in each frame; it is younger than those of the page, so that it hears of a frame after them.
 */
async function startWatch({ up, last }: { up: boolean; last: string }): Promise<void> {
  const scroller = document.querySelector<HTMLElement>("#chat converse-chat .chat-content__messages")!;
  const reading: Reading = { seen: [], apart: 0, most: "", moves: [], drawn: 0, task: 0 };
  let places = new Map<string, number>();
  let waiting: (() => void)[] = [];
  let isScrolling = false;
  scroller.addEventListener("scroll", () => (isScrolling = true));
  scroller.addEventListener("scrollend", () => requestAnimationFrame(() => (isScrolling = false))); // Chromium tells of the last scrolling after it
  const watch: Watch = {
    reading,
    travel: 0,
    isOver: () => (up ? Boolean(scroller.querySelector(".beginning")) : Boolean(scroller.querySelector(`[data-msgid="${last}"]`)) && scroller.scrollTop >= -1),
    frame: () => new Promise((done) => waiting.push(done)),
    still: async (frames = 4) => {
      for (let [same, before] = [0, watch.travel]; same < (isScrolling ? 60 : frames); before = watch.travel) {
        await watch.frame();
        same = watch.travel === before ? same + 1 : 0;
      }
    },
  };
  const inSight = () => {
    const view = scroller.getBoundingClientRect();
    const bodies = [...scroller.querySelectorAll<HTMLElement>(".chat-msg__body")].map((body) => ({ id: body.closest<HTMLElement>(".chat-msg")!.dataset["msgid"]!, box: body.getBoundingClientRect() }));
    reading.drawn = Math.max(reading.drawn, bodies.length);
    return bodies.filter(({ box }) => box.bottom > view.top && box.top < view.bottom);
  };
  const frames = new ResizeObserver(() => {
    if (globalThis.watch !== watch) return frames.disconnect(); // another one has begun
    const now = inSight();
    for (const { id } of up ? now.toReversed() : now) if (!reading.seen.includes(id)) reading.seen.push(id);
    const stayed = now.filter(({ id }) => places.has(id));
    const moved = stayed.map(({ id, box }) => box.top - places.get(id)!);
    const by = moved.toSorted((a, b) => a - b)[moved.length >> 1] ?? 0;
    watch.travel += by;
    if (places.size && !moved.length) reading.apart = Infinity; // nothing of what was in sight is
    const apart = Math.max(0, ...moved.map((each) => Math.abs(each - by)));
    if (apart > reading.apart) {
      reading.apart = apart;
      reading.most = `in step ${reading.moves.length}: ${stayed.map(({ id, box }, i) => `${id} at ${box.top} by ${moved[i]}, ${box.height} high`).join("; ")}`;
    }
    places = new Map(now.map(({ id, box }) => [id, box.top]));
    for (const done of waiting) done();
    waiting = [];
    requestAnimationFrame(next);
  });
  const next = () => {
    frames.unobserve(document.body);
    frames.observe(document.body);
  };
  next();
  if (PerformanceObserver.supportedEntryTypes.includes("longtask")) {
    new PerformanceObserver((list) => (reading.task = Math.max(reading.task, ...list.getEntries().map(({ duration }) => duration)))).observe({ type: "longtask" });
  }
  globalThis.watch = watch;
  await watch.frame();
}

/** Runs in a page: a finger that goes over the conversation, a little each frame. What is in sight moves by what was scrolled. */
export async function swipe({ up }: { up: boolean }): Promise<void> {
  const scroller = document.querySelector("#chat converse-chat .chat-content__messages")!;
  for (let i = 0; i < 10; i++) {
    const [before, travel] = [scroller.scrollTop, globalThis.watch.travel];
    scroller.scrollTop += (up ? -1 : 1) * Math.floor(scroller.clientHeight / 10);
    const by = before - scroller.scrollTop;
    await globalThis.watch.frame();
    const apart = Math.abs(globalThis.watch.travel - travel - by);
    const { reading } = globalThis.watch;
    if (apart > reading.apart) Object.assign(reading, { apart, most: `all, by a finger in step ${reading.moves.length}` });
  }
}

/**
 * Reads the conversation that is open up to its beginning, or down to its end.
 * @param scroll takes one step, of less than a view
 * @param last the id of the last message
 * @param frames in which nothing moves until the next step is taken
 */
export async function readThrough(tab: Tab, up: boolean, last: string, scroll: () => Promise<unknown>, frames?: number): Promise<Reading> {
  await tab.evaluate(startWatch, { up, last });
  for (let [stuck, isOver] = [0, false]; stuck < (isOver ? 2 : 20); ) {
    await scroll();
    const [moved, over] = await tab.evaluate(async (frames?: number) => {
      const { watch } = globalThis;
      await watch.still(frames);
      const before = watch.reading.moves.reduce((sum, each) => sum + each, 0);
      watch.reading.moves.push(watch.travel - before);
      return [watch.reading.moves.at(-1), watch.isOver()];
    }, frames);
    isOver = over;
    stuck = Math.abs(moved) < 1 ? stuck + 1 : 0;
  }
  return tab.evaluate(() => globalThis.watch.reading, null);
}

/**
 * Runs in a page before its scripts: what is behind links is told late, as by a site that is slow; some have much to say, and some nothing.
 * @param picture the path of a picture of the site
 */
export function answerLate(picture: string): void {
  const { fetch } = globalThis;
  globalThis.fetch = async (...args) => {
    if (args[0] !== "/xmpp/previews") return fetch(...args);
    for (let frames = 0; frames < 20; frames++) await new Promise((done) => requestAnimationFrame(done));
    const links: string[] = JSON.parse(String(args[1]?.body)).links;
    const of = (link: string) => {
      const n = Number(/\d+$/.exec(link));
      return { title: `About ${link}`, site: "wiki", description: "Some words on it. ".repeat(n % 12), ...(n % 2 ? { picture } : {}) };
    };
    return Response.json({ previews: Object.fromEntries(links.filter((link) => !link.endsWith("6")).map((link) => [link, of(link)])) });
  };
}
