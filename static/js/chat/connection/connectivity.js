// The network comes and goes: that is said at once, and the chat is back soon
// after it. A stream that went dead says nothing by itself, so it is asked.

import { withTimeout } from '../withTimeout.js';

// How long the server may take to answer when the network has just come back.
const PING_TIMEOUT_MS = 1000;

let streams = 0; // that took the place of one before

/**
 * Whether the server answers (XEP-0199), an error as well; or there is another stream by then, which that of the dead one says nothing of.
 * @returns {Promise<boolean>}
 */
export async function answers(_converse, ms) {
    const { api } = _converse;
    if (!api.connection.authenticated() || !api.connection.connected()) return false;
    const { stx, u } = window.converse.env;
    const to = _converse.session.get('domain');
    const ping = stx`<iq type="get" to="${to}" id="${u.getUniqueId('ping')}" xmlns="jabber:client"><ping xmlns="urn:xmpp:ping"/></iq>`;
    const before = streams;
    return (await withTimeout(api.sendIQ(ping, ms, false), ms)) !== null || streams !== before;
}

/**
 * @param {Converse.Private} _converse
 * @param {import('../signin/loginGuard.js').LoginGuard} guard
 */
export function followNetwork(_converse, guard) {
    const { api } = _converse;

    const comeBack = async () => {
        if (!guard.worked || guard.closed) return guard.retryNow();
        if (await answers(_converse, PING_TIMEOUT_MS)) {
            guard.connected();
            return;
        }
        guard.retryNow();
        const connection = api.connection.get();
        if (connection?.reconnecting) connection.debouncedReconnect.flush(); // it waits for three seconds
        else if (connection && guard.worked) api.connection.reconnect();
        guard.retryNow();
    };
    api.listen.on('reconnected', () => streams++);
    window.addEventListener('offline', () => guard.away());
    window.addEventListener('online', comeBack);
    if (!navigator.onLine) guard.away();
}
