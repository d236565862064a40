// Every attempt to sign in to the chat passes here: not too often, only while the
// site answers, and only for the person the page was made for. What keeps somebody
// out of the chat is said on the page.

import { forgetLater } from './forget.js';
import { stopUnloadPrompt } from '../composer/queue.js';
import { panel } from '../panel.js';
import { tabIsNobodys } from '../connection/tabs.js';
import { transport } from '../connection/transport.js';

const MIN_BACKOFF_MS = 700;
const MAX_BACKOFF_MS = 30_000;

// How often a WebSocket is looked at, for how long it may say nothing, and how long
// all of signing in may take over it. Some proxies neither pass nor refuse one. Looks
// are counted, not time: a page that is busy does not hear what has come.
const POLL_MS = 500;
const SILENCE_TIMEOUT_MS = 3500;
const CONNECT_TIMEOUT_MS = 15_000;

// How long an answer of the site is waited for, which gives itself 15 s: over a connection that is dead, and not known to be,
// none ever comes.
const ANSWER_TIMEOUT_MS = 20_000;

// A site that takes so long to answer anything says nothing about its WebSocket, so
// often, nor does one that cannot be reached.
const SLOW_ANSWER_MS = 1000;
const MAX_SLOW_ANSWERS = 3;

const RECONNECTING = 'Reconnecting …';
const OFFLINE = 'You are offline. What you write is sent later.';
const REFUSED = 'The chat cannot sign you in. Reload the page; if that does not help, sign out of the site and in again.';

/** Never resolves: Converse then stays as it is. */
export const never = new Promise(() => {});

/** Waits longer each time, and not as long as everybody else. */
const backoff = (attempt) => Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** attempt) * (0.5 + Math.random());

const reload = () => ({ href: location.pathname, label: 'Reload' });

/** @param {string} url @param {RequestInit} [options] */
const ask = (url, options) => fetch(url, { ...options, cache: 'no-store', signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });

/**
 * Asks the site who is signed in.
 * @param {import('../types.js').ChatConfig} config
 * @returns {Promise<'same'|'other'|'nobody'|'away'>}
 */
async function whoAmI(config) {
    try {
        const response = await ask(config.meURL, { headers: { Accept: 'application/json' } });
        if (response.status === 401) return 'nobody';
        if (!response.ok) return 'away';
        return (await response.json()).user === config.user ? 'same' : 'other';
    } catch {
        return 'away';
    }
}

/** What the site gives as the reason, in an answer that is an error. */
async function reasonOf(response) {
    const answer = await response.json().catch(() => null);
    return typeof answer?.error === 'string' ? answer.error : null;
}

export class LoginGuard {
    /** @param {import('../types.js').ChatConfig} config */
    constructor(config) {
        this.config = config;
        this.attempt = 0;
        this.closed = false;
        this.worked = false; // whether there was a stream, and what it opened is still there
        this.heard = false; // whether the server said anything in this attempt
        this.refusal = null; // why the server did not let the person in
        this.fetching = false; // whether an attempt waits for its token
        this.wake = () => {};
    }

    /** Whether somebody typed a password that is not theirs: the form asks for another (loginForm.js). */
    get isPasswordWrong() {
        return this.config.login === 'password' && this.refusal === 'not-authorized';
    }

    /** A stream works. */
    connected() {
        this.unwatch();
        this.worked = true;
        this.attempt = 0;
        this.refusal = null;
        transport.connected();
        panel.notice();
    }

    /** No more attempts: the person is signing out, or has, and what waits here keeps nobody on the page. */
    close() {
        this.unwatch();
        stopUnloadPrompt();
        this.closed = true;
    }

    /** The stream is gone, or there is no network for it. */
    away() {
        if (!this.closed) panel.notice(navigator.onLine ? RECONNECTING : OFFLINE);
    }

    /** There is a network again: the next attempt is made at once. */
    retryNow() {
        this.attempt = 0;
        this.wake();
    }

    /** The server says no, which the console keeps and the next attempt tells. */
    refused(condition) {
        this.refusal = condition;
        console.warn(`The chat did not sign in: ${condition}`);
    }

    /** @param {number} ms @returns {Promise<void>} */
    pause(ms) {
        return new Promise((resolve) => {
            const timer = setTimeout(resolve, ms);
            this.wake = () => {
                clearTimeout(timer);
                resolve();
            };
        });
    }

    /** No attempt is watched over any more. */
    unwatch() {
        clearTimeout(this.watchdog);
        this.watchdog = undefined;
    }

    /**
     * Watches over an attempt: one that gets nowhere is given up. The next one finds out whether somebody is
     * still signed in: where nobody is, the site may have closed the socket for that, and Converse does not know.
     */
    watch(api) {
        this.unwatch();
        this.heard = false;
        if (!api.settings.get('websocket_url')) return;
        let looks = 0;
        let excuses = MAX_SLOW_ANSWERS;
        const giveUp = async (closed) => {
            const { watchdog } = this;
            const asked = performance.now();
            const who = await whoAmI(this.config);
            // Converse may have found out meanwhile.
            if (watchdog !== this.watchdog || api.connection.authenticated()) return;
            const slow = who === 'away' || (who === 'same' && performance.now() - asked > SLOW_ANSWER_MS && excuses-- > 0);
            if (!closed && slow) {
                looks = 0;
                this.watchdog = setTimeout(look, POLL_MS);
                return;
            }
            if (who === 'same') transport.fallBack(api);
            if (this.config.login === 'password') return this.handleGiveUp();
            await api.user.login(this.config.jid, undefined, true);
        };
        const look = () => {
            // A socket that was closed in good order before the stream began
            // goes unnoticed by Converse. Of one that carried something it knows.
            const socket = api.connection.get()?._proto?.socket;
            const closed = !socket || socket.readyState > WebSocket.OPEN;
            const patience = this.heard ? CONNECT_TIMEOUT_MS : SILENCE_TIMEOUT_MS;
            if (api.connection.authenticated()) return;
            if ((closed && !this.heard) || ++looks * POLL_MS > patience) return giveUp(closed);
            this.watchdog = setTimeout(look, POLL_MS);
        };
        this.watchdog = setTimeout(look, 2 * POLL_MS);
    }

    /**
     * Resolves when an attempt may be made; never, when none should be.
     * @param {boolean} typed whether a person just asked for it
     */
    async awaitTurn(api, typed) {
        this.unwatch();
        if (this.closed) return never;
        // Only a page's very first attempt is made at once, and what people ask
        // for: nothing has failed then.
        if (typed) this.refusal = null;
        if (typed || (this.attempt === 0 && !this.worked)) this.attempt++;
        else await this.retry(api);
        // Where people type their password, a page's start makes no attempt: the form waits.
        if (typed || this.worked || this.config.login !== 'password') this.watch(api);
    }

    /** Waits for the site, and for a moment that is not everybody's. */
    async retry(api) {
        if (this.refusal) panel.notice(REFUSED, reload());
        else this.away();
        for (;;) {
            await this.pause(backoff(this.attempt++));
            if (this.closed) return never;
            if (!navigator.onLine) continue;
            const who = await whoAmI(this.config);
            if (who === 'nobody') return this.signedOut();
            if (who === 'other') {
                this.close();
                location.reload();
                return never;
            }
            if (who === 'same') break;
        }
        transport.failed();
        if (transport.shouldFallBack()) transport.fallBack(api);
    }

    /** Converse has no password any more; only the person knows it. */
    async handleGiveUp() {
        if ((await whoAmI(this.config)) === 'nobody') return this.signedOut();
        if (this.closed) return;
        const again = { href: location.pathname, label: 'Try again' };
        if (this.refusal === 'not-authorized') panel.notice(); // the form says it (loginForm.js)
        else if (this.refusal) panel.notice(REFUSED, reload());
        else panel.notice('The chat is not connected.', again);
    }

    /** The session was ended elsewhere, or it was over. */
    signedOut() {
        this.close();
        tabIsNobodys();
        if (!this.config.trusted) forgetLater(this.config.jid);
        panel.notice('You are signed out.', { href: '/signin', label: 'Sign in again' });
        return never;
    }

    /**
     * Fetches a token. Converse would try every two seconds for ever; this waits
     * longer each time, and stops when nobody is signed in. Only what comes after that says
     * something about the WebSocket.
     */
    async credentials(api) {
        this.unwatch();
        this.fetching = true;
        const credentials = await this.fetchCredentials();
        this.fetching = false;
        this.watch(api);
        return credentials;
    }

    async fetchCredentials() {
        for (;;) {
            let reason = null;
            try {
                const response = await ask(this.config.credentialsURL);
                if (response.status === 401) return this.signedOut();
                if (response.ok) return await response.json();
                reason = await reasonOf(response);
            } catch {
                // the site is away; try again
            }
            if (reason) panel.notice(reason);
            else this.away();
            await this.pause(backoff(this.attempt++));
        }
    }
}
