// What Converse writes within a moment goes into IndexedDB in one go. What is written twice in
// that moment it merges, down to the last list: who takes a reaction back has it again on the next
// page. And each conversation that opens begins a batch of its own, while the page that goes away
// waits for the last one only. Here there is one batch, what was written last is what is kept, and
// what waits is written before it is read: a session that begins again reads all of it again.

const QUIET_MS = 50; // ms without another write, after which the batch is written
const MAX_WAIT_MS = 1000; // ms that it waits for that: each batch has the whole list of a conversation's messages

/** Those that write whole already. @type {WeakSet<object>} */
const whole = new WeakSet();

/** @param {Record<'setItems' | 'getItem' | 'getItems', (what: any, ...rest: unknown[]) => Promise<any>>} store */
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
    /** The batch that was written last. @type {Promise<unknown> | undefined} */
    let writing;
    const flush = () => {
        if (!tell) return;
        tell((writing = store.setItems(items)));
        tell = undefined;
        items = {};
    };
    const wait = () => {
        const left = Math.min(latest + QUIET_MS, began + MAX_WAIT_MS) - performance.now();
        if (tell && left > 0) setTimeout(wait, left);
        else flush();
    };
    const add = (more) => {
        Object.assign(items, more);
        latest = performance.now();
        if (!tell) {
            began = latest;
            written = new Promise((resolve) => (tell = resolve));
            setTimeout(wait, QUIET_MS);
        }
        return written;
    };
    add.flush = flush;
    for (const how of /** @type {const} */ (['getItem', 'getItems'])) {
        const read = store[how];
        store[how] = async (keys, ...rest) => {
            if ([keys].flat().some((key) => key in items)) flush();
            await writing?.catch(() => {});
            return read.call(store, keys, ...rest);
        };
    }
    // Converse sets it again for each conversation.
    Object.defineProperty(store, 'debouncedSetItems', { get: () => add, set() {} });
}
