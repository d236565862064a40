// node bench/page.mjs URL PASSWORD: the page step's browser. It measures the pages of
// a site that bench/page.go has filled, in a Chromium of its own, and prints a line of
// JSON for each thing it found: {"what", "reached", "goal"}.
//
// Wall time is told where a goal is in seconds; on a machine that is busy it is the
// others' too. The processor's time of the page's main thread (CDP Performance,
// threadTicks), bytes and requests are not.

import { chromium, errors } from "@playwright/test";

const [url, password] = process.argv.slice(2);
const SLOW_4G = { offline: false, latency: 150, downloadThroughput: (1638.4 * 1024) / 8, uploadThroughput: (750 * 1024) / 8 };
const CPU = 4; // times slower
const RUNS = 3; // medians of so many
const PATIENCE = 60_000; // ms for anything to happen

const note = (what, reached, goal) => console.log(JSON.stringify({ what, reached, goal }));
const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`;
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(0)} kB`;
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || undefined,
  args: [...(process.getuid?.() === 0 ? ["--no-sandbox"] : []), "--disable-background-networking", "--disable-features=BackForwardCache"],
});

/** A promise, and what settles it. */
function withResolvers() {
  let resolve;
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
}

/** Runs in each page: tells when the chat becomes usable, once. */
function tellWhenUsable() {
  const observer = new MutationObserver(() => {
    const there = document.querySelector("main button[data-message]:not([hidden]), #conversations[aria-busy=false] a.conversation");
    if (!there?.checkVisibility()) return;
    observer.disconnect();
    window.benchUsable();
  });
  observer.observe(document, { subtree: true, attributeFilter: ["hidden", "aria-busy", "aria-setsize"] });
}

/** A page of a browser that has been nowhere, and what it costs. */
class Visit {
  #usable = withResolvers();
  bytes = 0;
  requests = 0;
  /** @type {Map<string, string>} */
  addresses = new Map();
  /** @type {Map<string, number>} bytes by address, without its version */
  each = new Map();

  static async begin({ phone = false } = {}) {
    const visit = new Visit();
    visit.context = await browser.newContext({ viewport: phone ? { width: 390, height: 844 } : { width: 1440, height: 900 } });
    visit.page = await visit.context.newPage();
    visit.page.setDefaultTimeout(PATIENCE);
    await visit.page.exposeFunction("benchUsable", () => visit.#usable.resolve());
    await visit.page.addInitScript(tellWhenUsable);
    visit.cdp = await visit.context.newCDPSession(visit.page);
    await visit.cdp.send("Network.enable");
    await visit.cdp.send("Performance.enable", { timeDomain: "threadTicks" });
    visit.cdp.on("Network.requestWillBeSent", ({ requestId, request }) => {
      if (!request.url.startsWith("data:") && !request.url.startsWith("blob:")) visit.addresses.set(requestId, request.url);
    });
    visit.cdp.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
      const address = visit.addresses.get(requestId);
      if (!address || encodedDataLength === 0) return; // from the cache
      visit.requests++;
      visit.bytes += encodedDataLength;
      const { pathname } = new URL(address);
      visit.each.set(pathname, (visit.each.get(pathname) ?? 0) + encodedDataLength);
    });
    return visit;
  }

  slow({ network = false } = {}) {
    const sent = [this.cdp.send("Emulation.setCPUThrottlingRate", { rate: CPU })];
    if (network) sent.push(this.cdp.send("Network.emulateNetworkConditions", SLOW_4G));
    return Promise.all(sent);
  }

  async metrics() {
    const { metrics } = await this.cdp.send("Performance.getMetrics");
    return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
  }

  /** Waits until nothing has been fetched for a while. */
  async settled() {
    for (let before = -1; before !== this.requests; ) {
      before = this.requests;
      await this.page.waitForTimeout(1500);
    }
  }

  /** Signs in by the form's request alone. */
  async signIn(user) {
    const { request } = this.context;
    const [, csrf] = (await (await request.get(`${url}/signin`)).text()).match(/name="csrf" value="([^"]+)"/);
    const form = { csrf, username: user, password, next: "/" };
    await request.post(`${url}/signin`, { form, maxRedirects: 0, headers: { Origin: url } });
  }

  /**
   * Resolves the next time that the chat becomes usable: a button of the page that opens it is
   * there, or its list. The page says so itself; to be asked again and again would cost what is measured.
   */
  async usable() {
    let timer;
    const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new errors.TimeoutError("the chat was not usable in time")), PATIENCE)));
    await Promise.race([this.#usable.promise, late]);
    clearTimeout(timer);
    this.#usable = withResolvers();
  }

  end() {
    return this.context.close();
  }
}

/** What something took, and the main thread's part. */
async function timed(visit, act) {
  const before = await visit.metrics();
  const begin = performance.now();
  await act();
  const took = performance.now() - begin;
  const after = await visit.metrics();
  // A new document may be another process's, which counts from its beginning.
  const cpu = after.TaskDuration >= before.TaskDuration ? after.TaskDuration - before.TaskDuration : after.TaskDuration;
  return { took, cpu: cpu * 1000 };
}

/** The medians of several runs, as one line of the table. */
const times = (runs) => `${seconds(median(runs.map(({ took }) => took)))}; main thread ${seconds(median(runs.map(({ cpu }) => cpu)))}`;

async function repeat(act) {
  const runs = [];
  for (let i = 0; i < RUNS; i++) runs.push(await act());
  return runs;
}

async function landing() {
  const visit = await Visit.begin({ phone: true });
  await visit.page.goto(url, { waitUntil: "load" });
  await visit.settled();
  note("a visitor's landing page", `${kilobytes(visit.bytes)} in ${visit.requests} requests`, "≤ 40 kB");
  explain(visit);
  await visit.end();
}

/** Says on standard error where the bytes are. */
function explain(visit) {
  for (const [path, bytes] of [...visit.each].sort(([, a], [, b]) => b - a)) console.error(`    ${String(bytes).padStart(7)} ${path}`);
}

async function firstVisit() {
  const visit = await Visit.begin({ phone: true });
  await visit.signIn("u0000");
  await visit.page.goto(url);
  await visit.usable();
  await visit.settled();
  note("the first visit signed in", `${kilobytes(visit.bytes)} in ${visit.requests} requests`, "≤ 350 kB in ≤ 25");
  explain(visit);
  await visit.end();
}

async function signInClicked(network) {
  const visit = await Visit.begin({ phone: true });
  await visit.slow({ network });
  await visit.page.goto(`${url}/signin`);
  await visit.page.fill('input[name="username"]', "u0000");
  await visit.page.fill('input[name="password"]', password);
  const run = await timed(visit, async () => {
    await visit.page.click('#password-form button[type="submit"]');
    await visit.usable();
  });
  await visit.end();
  return run;
}

async function reloaded(network) {
  const visit = await Visit.begin({ phone: true });
  await visit.signIn("u0000");
  await visit.page.goto(url);
  await visit.usable();
  await visit.settled();
  await visit.slow({ network });
  const run = await timed(visit, async () => {
    await visit.page.reload({ waitUntil: "commit" });
    await visit.usable();
  });
  await visit.end();
  return run;
}

/** Opens an address, as somebody who was here before. */
async function opened(user, path, selector) {
  const visit = await Visit.begin();
  await visit.signIn(user);
  await visit.page.goto(`${url}/chat`);
  await visit.page.waitForSelector("#conversations[aria-busy=false]");
  await visit.settled();
  await visit.slow();
  const run = await timed(visit, async () => {
    await visit.page.goto(url + path, { waitUntil: "commit" });
    await visit.page.waitForSelector(selector);
  });
  return { visit, run };
}

async function longList() {
  const { visit, run } = await opened("u0001", "/chat", "#conversations[aria-busy=false] a.conversation");
  const { Nodes } = await visit.metrics();
  const shown = await visit.page.locator("#conversations a.conversation").count();
  note("a list of 5,000 opened, CPU 4x", `${times([run])}; ${shown} rows drawn, ${Nodes} nodes`, "≤ 1 s");
  await visit.page.locator("#conversations-list").hover();
  await countFrames(visit);
  for (let turn = 0; turn < 300; turn++) await visit.page.mouse.wheel(0, 400);
  const { count, late } = await frames(visit);
  note("the same list scrolled, CPU 4x", `${count} frames, ${late}`, "60 fps");
  await visit.end();
}

/** Begins to count how long each frame takes. @param {Visit} visit */
const countFrames = (visit) =>
  visit.page.evaluate(() => {
    const frames = (window.benchFrames = []);
    let last = performance.now();
    const frame = (now) => {
      frames.push(now - last);
      last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });

/** How many frames there were since, and how many of them came later than two at 60 a second. @param {Visit} visit */
async function frames(visit) {
  const each = await visit.page.evaluate(() => window.benchFrames);
  const late = (100 * each.filter((ms) => ms > 34).length) / each.length;
  return { count: each.length, late: `${late.toFixed(0)} % of them later than 34 ms` };
}

async function largeRoom() {
  const seen = await repeat(async () => {
    const { visit, run } = await opened("u0003", "/chat/room/hall", "#chat converse-muc textarea.chat-textarea");
    await visit.settled();
    const { Nodes, JSHeapUsedSize } = await visit.metrics();
    await visit.end();
    return { ...run, Nodes, JSHeapUsedSize };
  });
  const middle = (name) => median(seen.map((each) => each[name]));
  note(LARGE_ROOM, `${times(seen)}; ${middle("Nodes")} nodes, heap ${(middle("JSHeapUsedSize") / 1e6).toFixed(0)} MB`, "≤ 1 s");
}

async function invitedRoom() {
  const seen = await repeat(async () => {
    const { visit, run } = await opened("u0004", "/chat/room/room1", '#chat converse-muc .chatbox-title:has-text("Room 1")');
    await visit.end();
    return run;
  });
  note("a room opened by who was invited: its name is there, CPU 4x", times(seen), "≤ 1 s");
}

/** Signs in as people do, and opens the chat. */
async function enter(page, user) {
  await page.goto(`${url}/signin`);
  await page.fill('input[name="username"]', user);
  await page.fill('input[name="password"]', password);
  await page.click('#password-form button[type="submit"]');
  await page.waitForURL(`${url}/`);
  await page.goto(`${url}/chat/with/u0000`);
  await page.waitForSelector("#chat converse-chat textarea.chat-textarea");
}

/** What is written to somebody who signed in where another one had been, in the same tab. */
async function nextPerson() {
  const [tab, writer] = [await Visit.begin(), await Visit.begin()];
  await enter(tab.page, "u0005");
  await tab.page.click("header summary");
  await tab.page.click("[data-signout] button");
  await tab.page.waitForSelector('header a[href^="/signin"]');
  await enter(tab.page, "u0006");
  await writer.signIn("u0000");
  await writer.page.goto(`${url}/chat/with/u0006`);
  const input = await writer.page.waitForSelector("#chat converse-chat textarea.chat-textarea");
  let number = 0;
  const seen = await repeat(async () => {
    const text = `Number ${++number} for who came next`;
    await input.fill(text);
    return timed(tab, async () => {
      await input.press("Enter");
      await tab.page.waitForSelector(`#chat .chat-msg__text:has-text("${text}")`);
    });
  });
  note("a message to who signed in after somebody else, in the same tab: written → shown", times(seen), "≤ 1 s");
  await Promise.all([tab.end(), writer.end()]);
}

const LARGE_ROOM = "a room of 5,000 members opened, CPU 4x";
const SCROLL = 60_000; // ms

/** Scrolls back as far as it goes within a minute, and sees how even the frames are. */
async function scrolledBack() {
  const { visit } = await opened("u0002", "/chat/with/u0000", "#chat converse-chat .chat-msg");
  await visit.cdp.send("Emulation.setCPUThrottlingRate", { rate: 1 });
  await visit.page.locator("#chat converse-chat converse-chat-content").hover();
  const before = await visit.metrics();
  await countFrames(visit);
  const read = () => visit.page.evaluate(() => document.querySelector("#chat converse-chat converse-chat-content").model.messages.length);
  for (const end = performance.now() + SCROLL; performance.now() < end && (await read()) < 10_000; ) {
    await visit.page.mouse.wheel(0, 100); // at the end of what is there, nothing would move
    await visit.page.mouse.wheel(0, -2000);
  }
  const after = await visit.metrics();
  const { count: drawn, late } = await frames(visit);
  await visit.cdp.send("HeapProfiler.collectGarbage");
  const { Nodes, JSHeapUsedSize } = await visit.metrics(); // what is kept
  const count = await read();
  const each = ((after.TaskDuration - before.TaskDuration) * 1000) / count;
  note("10,000 messages scrolled back, for a minute",
    `${count} read, main thread ${each.toFixed(1)} ms each; ${drawn} frames, ${late}; ${Nodes} nodes, heap ${(JSHeapUsedSize / 1e6).toFixed(0)} MB are kept`,
    "60 fps, bounded memory");
  await visit.end();
}

async function signingIn() {
  for (const network of [false, true]) {
    const over = network ? ", slow 4G" : "";
    note(`click Sign in → chat usable, CPU 4x${over}`, times(await repeat(() => signInClicked(network))), network ? "≤ 3 s" : "≤ 0.9 s");
    note(`reload → chat usable, CPU 4x${over}`, times(await repeat(() => reloaded(network))), network ? "≤ 1 s" : "≤ 0.4 s");
  }
}

try {
  for (const measure of [landing, firstVisit, signingIn, longList, largeRoom, invitedRoom, nextPerson, scrolledBack]) {
    try {
      await measure();
    } catch (cause) {
      if (measure === largeRoom && cause instanceof errors.TimeoutError) note(LARGE_ROOM, `not within ${seconds(PATIENCE)}`, "≤ 1 s");
      else process.exitCode = 1;
      console.error(measure.name, cause);
    }
  }
} finally {
  await browser.close();
}
