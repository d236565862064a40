// Every attempt to sign in to the chat goes through here: not too often, only
// while the site answers, and only for the person the page was made for.

import { panel } from './panel.js';
import { transport } from './transport.js';

const FIRST_WAIT = 700; // ms
const LONGEST_WAIT = 30_000;

// How long a WebSocket may take to get anywhere. Some proxies neither pass nor
// refuse one.
const FIRST_LOOK = 1000;
const CONNECT_PATIENCE = 6000;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Never resolves: Converse then stays as it is. */
const never = new Promise(() => {});

/** Waits longer each time, and not as long as everybody else. */
const backoff = (attempt) => Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** attempt) * (0.5 + Math.random());

/**
 * Asks the site who is signed in.
 * @returns {Promise<'same'|'other'|'nobody'|'away'>}
 */
async function whoAmI(config) {
    try {
        const response = await fetch(config.meURL, { cache: 'no-store', headers: { Accept: 'application/json' } });
        if (response.status === 401) return 'nobody';
        if (!response.ok) return 'away';
        return (await response.json()).user === config.user ? 'same' : 'other';
    } catch {
        return 'away';
    }
}

export class LoginGuard {
    /** @param {import('./types.js').ChatConfig} config */
    constructor(config) {
        this.config = config;
        this.attempt = 0;
        this.closed = false;
        this.worked = false; // whether there was a stream on this page
    }

    /** A stream works. */
    connected() {
        clearTimeout(this.watchdog);
        this.worked = true;
        this.attempt = 0;
        transport.connected();
        panel.notice();
    }

    /** No more attempts: the person is signing out. */
    close() {
        clearTimeout(this.watchdog);
        this.closed = true;
    }

    /**
     * Watches over an attempt: one that gets nowhere is given up.
     * @param {Converse.Api} api
     */
    watch(api) {
        clearTimeout(this.watchdog);
        if (!api.settings.get('websocket_url') || this.config.login === 'password') return;
        const giveUp = async () => {
            clearTimeout(this.watchdog);
            if (this.closed || api.connection.connected() || (await whoAmI(this.config)) !== 'same') return;
            transport.fallBack(api);
            await api.user.login(this.config.jid, undefined, true);
        };
        this.watchdog = setTimeout(() => {
            // A socket that was closed in good order before the stream began
            // goes unnoticed by Converse.
            const socket = api.connection.get()?._proto?.socket;
            if (!socket || socket.readyState > WebSocket.OPEN) return giveUp();
            socket.addEventListener('close', giveUp, { once: true });
            this.watchdog = setTimeout(giveUp, CONNECT_PATIENCE);
        }, FIRST_LOOK);
    }

    /**
     * Resolves when an attempt may be made; never, when none should be.
     * @param {Converse.Api} api
     * @param {boolean} typed whether a person just asked for it
     */
    async pass(api, typed) {
        clearTimeout(this.watchdog);
        if (this.closed) return never;
        // Only a page's very first attempt is made at once, and what people ask
        // for: nothing has failed then.
        if (typed || (this.attempt === 0 && !this.worked)) this.attempt++;
        else await this.retry(api);
        this.watch(api);
    }

    /**
     * Waits for the site, and for a moment that is not everybody's.
     * @param {Converse.Api} api
     */
    async retry(api) {
        panel.notice('Reconnecting …');
        for (;;) {
            await sleep(backoff(this.attempt++));
            if (this.closed) return never;
            const who = await whoAmI(this.config);
            if (who === 'nobody') return this.signedOut();
            if (who === 'other') {
                location.reload();
                return never;
            }
            if (who === 'same') break;
        }
        transport.failed();
        if (transport.shouldFallBack()) transport.fallBack(api);
    }

    /** Converse has no password any more; only the person knows it. */
    async givenUp() {
        if ((await whoAmI(this.config)) === 'nobody') return this.signedOut();
        if (!this.closed) panel.notice('You are not in the chat.', { href: location.pathname, label: 'Try again' });
    }

    signedOut() {
        this.closed = true;
        panel.notice('You are signed out.', { href: '/signin', label: 'Sign in again' });
        return never;
    }

    /**
     * Fetches a token. Converse would try every two seconds for ever; this waits
     * longer each time, and stops when nobody is signed in.
     */
    async credentials() {
        for (;;) {
            try {
                const response = await fetch(this.config.credentialsURL, { cache: 'no-store' });
                if (response.status === 401) return this.signedOut();
                if (response.ok) return await response.json();
            } catch {
                // the site is away; try again
            }
            panel.notice('Reconnecting …');
            await sleep(backoff(this.attempt++));
        }
    }
}
