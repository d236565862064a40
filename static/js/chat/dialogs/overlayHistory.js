// What lies above a conversation on a phone (a panel, a card, a picture, a question), or above a page, as the chat does, has an
// entry of its own in the browser's history, so that Back closes it and what is below stays. Such an entry is a copy of the page's, with how many
// things lie there. What is closed otherwise takes its entry away; one that is met again with nothing above is left at once.

import { onClosed } from '../../dom.js';

const PHONE = '(max-width: 44rem)'; // where there is one thing at a time: elsewhere Back is for pages

/** How to close what lies there, from below. @type {(() => void)[]} */
const overlays = [];

const depth = () => globalThis.history?.state?.above ?? 0;

/** Turbo's, which goes to the page of an entry. */
const turbo = () => /** @type {any} */ (window).Turbo.navigator.history;

/** How much lay above the page that was loaded here. Turbo writes over its entry. */
const depthOnLoad = depth();

/** Whether the way back to another entry has begun. */
let leaving = depthOnLoad > 0;

const nothing = () => {};
let afterLeaving = nothing; // when that way is over

function settle() {
    const at = depth();
    if (leaving) return;
    leaving = at > overlays.length;
    if (leaving) history.go(overlays.length - at);
    else for (let i = at; i < overlays.length; ) history.pushState({ ...history.state, above: ++i }, '');
}

/** Runs when what goes with it has happened, too: one thing is often closed for another. */
const settleSoon = () => setTimeout(settle);

/** Whether an entry is of the page of the chat that is here: another conversation, or the list. It needs no network. @param {any} state */
const isOfChat = (state) => Boolean(state?.turbo) && document.body.dataset.page === 'chat' && /^\/chat(\/(with|room)\/[^/]+)?$/.test(location.pathname);

/** @param {PopStateEvent} event */
function onPopState(event) {
    const { restorationIdentifier, location: { href } } = turbo();
    const isHere = event.state?.turbo?.restorationIdentifier === restorationIdentifier || (leaving && href === location.href);
    leaving = false;
    const isChats = !isHere && !depth() && isOfChat(event.state);
    if (isHere || depth() || isChats) event.stopImmediatePropagation(); // to Turbo it would be another page
    if (isHere && !depth()) turbo().replace(new URL(location.href), restorationIdentifier); // of a page that was loaded above it Turbo knows another entry
    while (overlays.length > (isHere ? depth() : 0)) overlays.pop()?.();
    if (isChats) {
        const { restorationIndex, ...entry } = event.state.turbo;
        Object.assign(turbo(), entry, { currentIndex: restorationIndex, location: new URL(location.href) });
        for (const name of ['foyer:back', 'foyer:visit', 'foyer:page']) document.dispatchEvent(new CustomEvent(name));
    }
    settle();
    const next = afterLeaving;
    afterLeaving = nothing;
    next();
}

/** Lets Back close what lies above a conversation; called before Turbo is there (backButton.js). Nothing lies above a page that begins. */
export function handleBack() {
    addEventListener('popstate', onPopState);
    if (leaving) history.go(-depthOnLoad);
}

/**
 * Something lies above the conversation, or the page, from now on.
 * @param {() => void} close
 * @returns {() => void} to be called when it does not any more
 */
export function pushOverlay(close) {
    if (!matchMedia(PHONE).matches) return nothing;
    overlays.push(close);
    settleSoon();
    return () => {
        const at = overlays.indexOf(close);
        if (at < 0) return;
        overlays.splice(at, 1);
        settleSoon();
    };
}

/** What is to be called when a dialog is closed. @type {WeakMap<HTMLDialogElement, () => void>} */
const ends = new WeakMap();

/** Shows a dialog above everything, which gives the focus back when it closes. @param {HTMLDialogElement} dialog */
export function showModal(dialog) {
    const end = () => ends.get(dialog)?.();
    if (ends.has(dialog)) end(); // nobody may have been told yet that it was closed
    else onClosed(dialog, end);
    dialog.showModal();
    ends.set(dialog, pushOverlay(() => dialog.close()));
}

/** Makes an address that of the page, in the place of what lies above the one before. @param {string} path */
export function pushPath(path) {
    if (leaving) afterLeaving = () => pushPath(path);
    else turbo()[depth() ? 'replace' : 'push'](new URL(path, location.origin));
}
