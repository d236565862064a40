// What a tab keeps of its stream belongs to one person and to one tab.

import { forgetStream, prepareResume } from './resume.js';
import { keepInTab } from './tabStore.js';

const USER = 'foyer-user';
const TAB = 'foyer-tab';
const LEFT = 'foyer-left';

// How long a tab waits for the document it replaces to let go, if that did not say that
// it left. After that it is a copy of a tab that is still open.
const HANDOVER_MS = 600;

let tab = ''; // its name

/** What this tab is called, on all its pages, and no other one. */
export const tabName = () => tab;

/** Gives this tab a name that no other one has. */
export async function renameTab() {
    tab = crypto.randomUUID();
    keepInTab(TAB, tab);
    await hold(tab);
}

/** Holds the tab's name for as long as the document lives. @param {AbortSignal} [signal] until when to wait */
function hold(name, signal) {
    return new Promise((resolve) => {
        navigator.locks
            .request(`foyer-tab-${name}`, { signal }, () => {
                resolve(true);
                return new Promise(() => {});
            })
            .catch(() => resolve(false));
    });
}

/** Does something if no document has the name of a tab, and while none gets it. @template T @param {string} name @param {() => T} act @returns {Promise<T | null>} */
export const whenGone = (name, act) => navigator.locks.request(`foyer-tab-${name}`, { ifAvailable: true }, (lock) => lock && act());

/** Whether this document follows one of this tab, and is not in a copy of it. */
async function follows(name, left) {
    if (!left) return hold(name, AbortSignal.timeout(HANDOVER_MS));
    hold(name); // the document before may be gone only after this one began
    return true;
}

/**
 * The person was signed out elsewhere: what the tab keeps is of a session that is over, such as that its list of people has been
 * fetched. The next page forgets it, whoever signs in.
 */
export const tabIsNobodys = () => sessionStorage.removeItem(USER);

/**
 * Prepares the tab for a person: the stream of a previous person is forgotten, and a
 * copied tab, which would fight with its original over one stream, gets its own.
 * @param {string} user
 */
export async function prepareTab(user) {
    const left = sessionStorage.getItem(LEFT) !== null;
    sessionStorage.removeItem(LEFT);
    window.addEventListener('pagehide', () => sessionStorage.setItem(LEFT, '1'));
    const name = sessionStorage.getItem(USER) === user ? sessionStorage.getItem(TAB) : null; // by which nobody tells who was here before
    // Patch: another-person
    if (sessionStorage.getItem(USER) !== user) forgetStream();
    // Patch: goes-on
    prepareResume();
    sessionStorage.setItem(USER, user);
    if (name && (await follows(name, left))) {
        tab = name;
        return;
    }
    // Patch: copied-tab
    if (name) forgetStream();
    await renameTab();
}
