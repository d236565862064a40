// Fetches what the chat does not begin with (later.js): when somebody first presses a key or
// touches the page, so that it is there when they need it, with a network or without.

import { panel } from './panel.js';

/** @typedef {typeof import('./later.js')} Later */

/** @type {Later | undefined} */
let there;
/** @type {Promise<Later> | undefined} */
let coming;
let failures = 0;

/**
 * Firefox asks once only for a module, also if it failed (the module map of HTML): so
 * the next time it has another address.
 * @returns {Promise<Later>}
 */
const load = () => (failures ? import(`${import.meta.resolve('./later.js')}?${failures}`) : import('./later.js'));

const fetchIt = () =>
    (coming ??= load().then(
        (later) => {
            panel.warn('part');
            return (there = later);
        },
        (cause) => {
            coming = undefined; // the next who needs it tries again
            failures++;
            throw cause;
        },
    ));

/** After an update of the site the file may be gone: then only a page of today has it. */
function tell(cause) {
    console.warn('Part of the chat did not load.', cause);
    if (navigator.onLine) panel.warn('part', 'Part of the chat did not load. Please try again, or reload the page.', { href: location.pathname + location.search, label: 'Reload' });
    else panel.notice('You are offline. Please try again when you are back.');
}

/**
 * Calls what needs it: now if it is there, else as soon as it is.
 * @param {(later: Later) => void} use
 * @param {() => void} [giveUp] called when it did not come, which somebody is told
 */
export function withLater(use, giveUp) {
    if (there) return use(there);
    fetchIt().then(use, (cause) => {
        giveUp?.();
        tell(cause);
    });
    return undefined;
}

/** Calls what nobody asked for, as soon as it is there; if it does not come, the next time. @param {(later: Later) => void} use */
export const soonWithLater = (use) => (there ? use(there) : fetchIt().then(use, () => {}));

/** Calls what can do without it: if it is there, or on its way and comes. @param {(later: Later) => void} use */
export const ifItComes = (use) => (there ? use(there) : coming?.then(use, () => {}));

/** Fetches it as soon as somebody does anything with the page: most often it is there before it is needed. */
export function fetchAtFirstTouch() {
    const first = new AbortController();
    const fetchSoon = () => {
        first.abort();
        fetchIt().catch(() => {}); // who needs it is told
    };
    for (const event of ['pointerdown', 'keydown']) document.addEventListener(event, fetchSoon, { signal: first.signal, capture: true, passive: true });
}
