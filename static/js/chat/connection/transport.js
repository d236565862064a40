// Which transport: WebSocket, or BOSH where WebSocket cannot connect. Converse
// does not change over by itself.

import { keepInTab } from './tabStore.js';

const KEY = 'foyer-transport';

// How long a tab stays with BOSH before WebSocket gets another chance.
const RETRY_MS = 60 * 60 * 1000;

// Attempts over WebSocket that may fail, while the site itself answers, before
// a page that has had one working, or none, changes over.
const MAX_FAILURES = { fresh: 1, worked: 3 };

// How often the probe is looked at, and how many times: a page that is busy does not
// hear what has come, so looks are counted and not time.
const POLL_MS = 500;
const PROBE_POLLS = 7;

let failures = 0;
let worked = false;

export const transport = {
    /** @param {import('../types.js').ChatConfig} config */
    wantsWebSocket(config) {
        if (config.login === 'prebind') return false; // prebinding is BOSH's
        const since = Number(sessionStorage.getItem(KEY) ?? 0);
        return Date.now() - since > RETRY_MS;
    },

    /**
     * Finds out beforehand whether the server answers over a WebSocket, where people
     * type their password: they should not have to do it twice.
     * @param {import('../types.js').ChatConfig} config
     */
    async probe(config) {
        if (!this.wantsWebSocket(config)) return;
        const answered = await new Promise((resolve) => {
            const socket = new WebSocket(location.origin.replace(/^http/, 'ws') + config.websocketURL, 'xmpp');
            const done = (ok) => () => {
                resolve(ok);
                socket.close();
            };
            socket.onopen = () => socket.send(`<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="${config.domain}" version="1.0"/>`);
            socket.onmessage = done(true);
            socket.onerror = socket.onclose = done(false);
            let looks = 0;
            const look = () => (++looks < PROBE_POLLS ? setTimeout(look, POLL_MS) : done(false)());
            setTimeout(look, POLL_MS);
        });
        if (!answered) keepInTab(KEY, String(Date.now()));
    },

    /** Notes a stream that works. */
    connected() {
        failures = 0;
        worked = true;
    },

    /** Notes a stream that ended, or never was. */
    failed() {
        failures++;
    },

    /** Whether to change over, asked while the site answers. */
    shouldFallBack() {
        return failures >= (worked ? MAX_FAILURES.worked : MAX_FAILURES.fresh);
    },

    /**
     * Changes a Converse that uses WebSocket over to BOSH, for this tab.
     * @param {Converse.Api} api
     */
    fallBack(api) {
        if (!api.settings.get('websocket_url')) return;
        keepInTab(KEY, String(Date.now()));
        api.settings.set('websocket_url', undefined);
        const connection = api.connection.get();
        // Patch: transport
        if (connection) {
            connection._proto?._doDisconnect?.();
            connection.service = api.settings.get('bosh_service_url');
            connection.setProtocol();
        }
        failures = 0;
        worked = false;
    },
};
