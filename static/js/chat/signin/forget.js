// On a device that is not trusted, nothing of a person stays behind after they
// signed out, and on none after they deleted their account. Converse empties its store then, but may write to it once more
// before its page is gone; so the next page empties it again.

import { draftsKey } from '../composer/drafts.js';

const KEY = 'foyer-forget';

// Who is in the chat of this browser, where nothing of them is to stay.
const HERE = 'foyer-here';

/** What the installed site was given to share (sw.js). */
export const SHARED = 'foyer-shared';

/** Whose subscription to web push this browser has. */
export const OWNER = 'foyer-push';

/** Who wants to be notified at this browser. */
export const WANTS = 'foyer-notify';

// Converse's database, with a store for each person.
const DATABASE = 'converse-persistent';

// Where it keeps who was signed in last, until they are logged out in good order.
const LAST = 'conversejs-session-jid';

/** Where it is kept that a person was offered notifications (notificationOffer.js). */
export const offeredKey = (jid) => `foyer-offered-${jid}`;

/** Where what a person wrote is kept until it has arrived: what begins with this (outbox.js). */
export const outboxKey = (jid) => `foyer-outbox-${jid} `;

/** @returns {string[]} */
const list = () => JSON.parse(localStorage.getItem(KEY) ?? '[]');

function save(jids) {
    if (jids.length) localStorage.setItem(KEY, JSON.stringify(jids));
    else localStorage.removeItem(KEY);
}

/** Notes that a person is to be forgotten once this page is gone. */
export function forgetLater(jid) {
    save([...new Set([...list(), jid])]);
}

/** Notes who is in the chat here. What ends it may leave it no time to forget them: then a page that nobody is signed in to does. */
export function noteWhoIsHere({ jid, trusted }) {
    if (trusted) localStorage.removeItem(HERE);
    else localStorage.setItem(HERE, jid);
}

/** Who was in the chat here and has not been forgotten. */
export const whoWasHere = () => localStorage.getItem(HERE);

/** Notes that nothing is left of a person, or will be. */
export function noteForgotten(jid) {
    if (whoWasHere() === jid) localStorage.removeItem(HERE);
}

/** Takes away what the browser shows of notifications, and ends that it is sent any. */
export async function endNotifications() {
    const owner = localStorage.getItem(OWNER);
    for (const key of [OWNER, WANTS]) localStorage.removeItem(key);
    const there = await navigator.serviceWorker?.getRegistration('/');
    for (const shown of (await there?.getNotifications?.()) ?? []) shown.close();
    if (owner !== null) await (await there?.pushManager?.getSubscription())?.unsubscribe();
}

/** Forgets what was shared. */
export async function discardShared() {
    if ('caches' in window) await caches.delete(SHARED);
}

/**
 * An account was deleted here, or somebody signed out of a page that had not started their chat yet and so forgot nothing: other
 * tabs may still have it.
 * @param {string} jid
 */
export async function forgetGone(jid) {
    sessionStorage.clear();
    forgetLater(jid);
    noteForgotten(jid);
    new BroadcastChannel('foyer').postMessage({ gone: jid });
    /** @type {any} */ (navigator).clearAppBadge?.().catch(() => {});
    await Promise.allSettled([endNotifications(), discardShared()]);
}

/** Settles an IndexedDB request. */
const done = (request) =>
    new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
    });

async function emptyStores(jids) {
    const found = await indexedDB.databases();
    if (!found.some(({ name }) => name === DATABASE)) return;
    const db = await done(indexedDB.open(DATABASE));
    db.onversionchange = () => db.close();
    for (const jid of jids) {
        if (db.objectStoreNames.contains(jid)) await done(db.transaction(jid, 'readwrite').objectStore(jid).clear());
    }
    db.close();
}

/**
 * Empties what is left of people who signed out.
 * @param {string} [jid] who is signed in now, and is not to be forgotten
 */
export async function forgetPeople(jid) {
    const gone = list().filter((other) => other !== jid);
    const isOfOthers = (key) => gone.some((other) => [draftsKey(other), offeredKey(other), LAST].includes(key) || key.startsWith(outboxKey(other)));
    for (const key of Object.keys(localStorage).filter(isOfOthers)) localStorage.removeItem(key);
    if (gone.length) await emptyStores(gone);
    save(list().filter((other) => other !== jid && !gone.includes(other)));
}
