// Signing out: the chat first, so that it can clear what it kept, in this tab
// and in the others; then the site.

import { unsubscribe } from '../../push.js';
import { showBadge } from '../unread/badge.js';
import { drafts } from '../composer/drafts.js';
import { allSent } from '../composer/queue.js';
import { discardShared, forgetLater, noteForgotten } from './forget.js';
import { withTimeout } from '../withTimeout.js';

// A chat that is away must not keep anybody in; what was written is worth more time.
const LOGOUT_TIMEOUT_MS = 2000;
const DELIVERY_TIMEOUT_MS = 5000;

const channel = new BroadcastChannel('foyer');

/**
 * Ends the chat in this tab, once what was written has arrived, and forgets the stream it kept.
 * @param {Converse.Private} _converse
 * @param {import('./loginGuard.js').LoginGuard} guard
 * @param {{empty: () => Promise<void>, forget: () => void}} outbox
 * @param {boolean} forget whether the browser keeps nothing of the person
 */
async function leave(_converse, guard, outbox, forget) {
    await withTimeout(allSent().then(() => outbox.empty()), DELIVERY_TIMEOUT_MS); // BOSH drops what waits for a request
    guard.close();
    await withTimeout(unsubscribe().catch(() => {}), LOGOUT_TIMEOUT_MS);
    await withTimeout(Promise.resolve(_converse.api.user.logout()).catch(() => {}), LOGOUT_TIMEOUT_MS);
    await discardShared().catch(() => {});
    for (const key of Object.keys(sessionStorage)) sessionStorage.removeItem(key);
    showBadge(0); // the app's icon outlives the page
    if (!forget) return;
    outbox.forget();
    drafts.forget(); // what is in the composers is not kept as the page goes
    forgetLater(guard.config.jid); // logging out may clear localStorage
    noteForgotten(guard.config.jid);
}

/** Waits until the tab that signs out has told the site, or should have. */
async function signedOut(meURL) {
    for (let tries = 0; tries < 20; tries++) {
        const response = await fetch(meURL, { cache: 'no-store', signal: AbortSignal.timeout(2000) }).catch(() => null);
        if (response?.status === 401) return;
        await new Promise((resolve) => setTimeout(resolve, 250));
    }
}

/** @param {Converse.Private} _converse */
export function handleSignOut(_converse, guard, outbox) {
    document.addEventListener('submit', async (event) => {
        const form = /** @type {HTMLFormElement} */ (event.target);
        // A form for deleting the account may come back with a mistake in it;
        // the server ends the streams in any case.
        if (!form.matches('[action="/signout"][data-signout]')) return;
        event.preventDefault();
        event.stopImmediatePropagation();
        channel.postMessage('signed-out');
        await leave(_converse, guard, outbox, !guard.config.trusted);
        if (!form.isConnected) document.body.append(Object.assign(form, { hidden: true })); // another page came meanwhile, and browsers send no form that is on none
        form.submit();
    });
    let told = false;
    channel.addEventListener('message', async ({ data }) => {
        const gone = data?.gone === guard.config.jid;
        if (told || (data !== 'signed-out' && !gone)) return;
        told = true; // the page after that of the tab says it, too
        const forget = gone || !guard.config.trusted;
        await leave(_converse, guard, outbox, forget);
        await signedOut(guard.config.meURL);
        if (forget) forgetLater(guard.config.jid); // the next page of the other tab may have forgotten already
        location.assign('/signin');
    });
}
