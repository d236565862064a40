// What a tab keeps of its stream belongs to one person and to one tab.

import { somethingWasLost, startKeeping } from './kept.js';

const USER = 'foyer-user';
const TAB = 'foyer-tab';

// How long a tab waits for the document it replaces to let go. After that it is
// a copy of a tab that is still open.
const HANDOVER = 600;

/** Forgets the stream this tab kept, so that a new one is opened. */
function forgetStream() {
    for (const key of Object.keys(sessionStorage)) {
        if (!key.startsWith('foyer-')) sessionStorage.removeItem(key);
    }
}

/** Holds the tab's name for as long as the document lives. */
function hold(name) {
    return new Promise((resolve) => {
        const patience = AbortSignal.timeout(HANDOVER);
        navigator.locks
            .request(`foyer-tab-${name}`, { signal: patience }, () => {
                resolve(true);
                return new Promise(() => {});
            })
            .catch(() => resolve(false));
    });
}

/**
 * Prepares the tab for a person: the stream of a previous person is forgotten, and
 * one of which something is missing; and a copied tab, which would fight with its
 * original over one stream, gets its own.
 * @param {string} user
 */
export async function prepareTab(user) {
    if (sessionStorage.getItem(USER) !== user || somethingWasLost()) forgetStream();
    startKeeping();
    sessionStorage.setItem(USER, user);
    const name = sessionStorage.getItem(TAB);
    if (name && (await hold(name))) return;
    if (name) forgetStream();
    const fresh = crypto.randomUUID();
    sessionStorage.setItem(TAB, fresh);
    await hold(fresh);
}
