// What Converse writes within a moment goes into IndexedDB in one go. What is written twice in
// that moment it merges, down to the last list: who takes a reaction back has it again on the next
// page. And each conversation that opens begins a batch of its own, while the page that goes away
// waits for the last one only. Here there is one batch, and what was written last is what is kept.

const MOMENT = 50; // ms without another write, after which the batch is written
const MOST = 1000; // ms that it waits for that: each batch has the whole list of a conversation's messages

/** Those that write whole already. @type {WeakSet<object>} */
const whole = new WeakSet();

/** @param {{setItems(items: Record<string, unknown>): Promise<unknown>}} store */
// Patch: writes-whole
export function writeWhole(store) {
    if (whole.has(store)) return;
    whole.add(store);
    /** @type {Record<string, unknown>} */
    let items = {};
    /** Whoever waits for the batch hears of it. @type {Promise<unknown>} */
    let written;
    /** Tells them; there is one while something waits. @type {((done: Promise<unknown>) => void) | undefined} */
    let tell;
    let began = 0;
    let latest = 0;
    const flush = () => {
        tell?.(store.setItems(items));
        tell = undefined;
        items = {};
    };
    const wait = () => {
        const left = Math.min(latest + MOMENT, began + MOST) - performance.now();
        if (tell && left > 0) setTimeout(wait, left);
        else flush();
    };
    const add = (more) => {
        Object.assign(items, more);
        latest = performance.now();
        if (!tell) {
            began = latest;
            written = new Promise((resolve) => (tell = resolve));
            setTimeout(wait, MOMENT);
        }
        return written;
    };
    add.flush = flush;
    // Converse sets it anew for each conversation.
    Object.defineProperty(store, 'debouncedSetItems', { get: () => add, set() {} });
}
