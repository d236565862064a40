// Whether somebody shared something with the installed site: share.js, which asks with whom, is fetched only then.

import { withLater } from './onDemand.js';

/** Where the service worker keeps it (sw.js). */
export const CACHE = 'foyer-shared';

const anyShared = async () => 'caches' in window && caches.has(CACHE);

/** Forgets what was shared. */
export async function discardShared() {
    if ('caches' in window) await caches.delete(CACHE);
}

/**
 * @param {Converse.Private} _converse
 * @param {import('./types.js').ChatConfig} config
 */
export function receiveShared(_converse, config) {
    const { api } = _converse;
    let asked = false;
    const ask = async () => {
        if (asked || document.body.dataset.page !== 'chat') return;
        asked = true;
        if (await anyShared()) withLater(({ share }) => share(_converse, config), () => (asked = false)); // it waits
    };
    api.listen.on('connected', ask);
    api.listen.on('reconnected', ask);
}
