// Whether somebody shared something with the installed site: share.js, which asks with whom, is fetched only then.

import { SHARED } from '../signin/forget.js';
import { withLazy } from '../lazy.js';

const anyShared = async () => 'caches' in window && caches.has(SHARED);

/**
 * @param {Converse.Private} _converse
 * @param {import('../types.js').ChatConfig} config
 */
export function receiveShared(_converse, config) {
    const { api } = _converse;
    let asked = false;
    const ask = async () => {
        if (asked || document.body.dataset.page !== 'chat') return;
        asked = true;
        if (await anyShared()) withLazy(({ share }) => share(_converse, config), () => (asked = false)); // it waits
    };
    api.listen.on('connected', ask);
    api.listen.on('reconnected', ask);
}
