// Fetches what the chat does not begin with (lazyBundle.js): when somebody first presses a key or
// touches the page, so that it is there when they need it, with a network or without.

import { panel } from './panel.js';

/** @typedef {typeof import('./lazyBundle.js')} LazyBundle */

/** @type {LazyBundle | undefined} */
let loaded;
/** @type {Promise<LazyBundle> | undefined} */
let loading;

/**
 * How a part is imported. Firefox asks once only for a module, also if it failed (the module map of HTML): so
 * the next time it has another address.
 * @template T
 * @param {() => Promise<T>} first
 * @param {() => string} address
 * @returns {() => Promise<T>}
 */
function importer(first, address) {
    let failures = 0;
    return () => (failures ? import(`${address()}?${failures}`) : first()).catch((cause) => {
        failures++;
        throw cause;
    });
}

const importBundle = importer(() => import('./lazyBundle.js'), () => import.meta.resolve('./lazyBundle.js'));
const importMetadata = importer(() => import('./composer/metadata.js'), () => import.meta.resolve('./composer/metadata.js'));

const loadOnce = () =>
    (loading ??= importBundle().then(
        (lazy) => {
            panel.warn('part');
            return (loaded = lazy);
        },
        (cause) => {
            loading = undefined; // the next who needs it tries again
            throw cause;
        },
    ));

/** After an update of the site the file may be gone: then only a page of today has it. */
function reportFailure(cause) {
    console.warn('A part of the chat did not load.', cause);
    if (navigator.onLine) panel.warn('part', 'Part of the chat did not load. Please try again, or reload the page.', { href: location.pathname + location.search, label: 'Reload' });
    else panel.notice('You are offline. Please try again when you are back.');
}

/** What takes out of a photo what is not for others. If it does not come, somebody is told. */
export async function loadMetadata() {
    try {
        const metadata = await importMetadata();
        panel.warn('part');
        return metadata;
    } catch (cause) {
        reportFailure(cause);
        throw cause;
    }
}

/**
 * Calls what needs it: now if it is there, else as soon as it is.
 * @param {(lazy: LazyBundle) => void} use
 * @param {() => void} [giveUp] called when it did not come, which somebody is told
 */
export function withLazy(use, giveUp) {
    if (loaded) return use(loaded);
    loadOnce().then(use, (cause) => {
        giveUp?.();
        reportFailure(cause);
    });
    return undefined;
}

/**
 * Calls what opens above everything, unless somebody has begun something else meanwhile: what comes late does not open over that.
 * @param {(lazy: LazyBundle) => void} use
 */
export function withLazyUnlessBusy(use) {
    if (loaded) return use(loaded);
    const waiting = new AbortController();
    const stop = ({ repeat }) => repeat || waiting.abort();
    for (const event of ['pointerdown', 'keydown']) document.addEventListener(event, /** @type {EventListener} */ (/** @type {unknown} */ (stop)), { capture: true, signal: waiting.signal });
    withLazy((lazy) => {
        if (waiting.signal.aborted) return;
        waiting.abort();
        use(lazy);
    }, () => waiting.abort());
    return undefined;
}

/** Calls what nobody asked for, as soon as it is there; if it does not come, the next time. @param {(lazy: LazyBundle) => void} use */
export const withLazyQuietly = (use) => (loaded ? use(loaded) : loadOnce().then(use, () => {}));

/** Calls what can do without it: if it is there, or on its way and comes. @param {(lazy: LazyBundle) => void} use */
export const ifLazyLoaded = (use) => (loaded ? use(loaded) : loading?.then(use, () => {}));

/** Fetches it as soon as somebody does anything with the page: most often it is there before it is needed. */
export function prefetchOnFirstInput() {
    const first = new AbortController();
    const fetchSoon = () => {
        first.abort();
        loadOnce().catch(() => {}); // who needs it is told
    };
    for (const event of ['pointerdown', 'keydown']) document.addEventListener(event, fetchSoon, { signal: first.signal, capture: true, passive: true });
}
