// On a device that is not trusted, nothing of a person stays behind after they
// signed out, and on none after they deleted their account. Converse empties its store then, but may write to it once more
// before its page is gone; so the next page empties it again.

import { draftsKey } from './composer/drafts.js';

const KEY = 'foyer-forget';

// Converse's database, with a store for each person.
const DATABASE = 'converse-persistent';

// Where it keeps who was signed in last, until they are logged out in good order.
const LAST = 'conversejs-session-jid';

/** Where it is kept that a person was offered notifications (notificationOffer.js). */
export const offeredKey = (jid) => `foyer-offered-${jid}`;

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

/**
 * An account was deleted here, or somebody signed out of a page that had not started their chat yet and so forgot nothing: other
 * tabs may still have it.
 * @param {string} jid
 */
export function forgetGone(jid) {
    sessionStorage.clear();
    forgetLater(jid);
    new BroadcastChannel('foyer').postMessage({ gone: jid });
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
    for (const key of gone.flatMap((other) => [draftsKey(other), offeredKey(other), LAST])) localStorage.removeItem(key);
    if (gone.length) await emptyStores(gone);
    save(list().filter((other) => other !== jid && !gone.includes(other)));
}
