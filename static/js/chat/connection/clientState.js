// Whether somebody looks at this page, told to the chat server (XEP-0352): it then spares
// the page what can wait, and tells the person of messages by web push instead. Nobody looks at a page that is
// hidden, nor at one that is visible, once nothing was done for a while in any page of this browser.

const HIDDEN_DELAY_MS = 2000; // a page that is being left is hidden, too
const IDLE_TIMEOUT_MS = 300_000; // ms without anything done, after which nobody looks
const BROADCAST_INTERVAL_MS = 1000; // the other pages are told of no more
const ACTIVE_LOCK = 'foyer-visible'; // the lock that pages hold while they are looked at
// Not `scroll`: pages scroll by themselves, when messages come. Who scrolls does so by one of these; a finger is a pointer.
// Who reads with a screen reader gives no key and no pointer: what they read has the focus, or the selection.
const INPUT_EVENTS = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'focus', 'selectionchange'];

let isAway = false; // nothing was done for so long
let isInactiveReported = false; // that nobody looks

/** Whether the server takes this page for one that nobody looks at. */
export const isReportedInactive = () => isInactiveReported;

/** Whether somebody looks at this page; `foyer:looking` tells of each change. */
export const isPageActive = () => !document.hidden && !isAway;

/** Whether another page of this browser is looked at, and not this one. */
export async function isActiveElsewhere() {
    const { held = [] } = await navigator.locks.query();
    return !isPageActive() && held.some(({ name }) => name === ACTIVE_LOCK);
}

/**
 * Notes when nothing was done for a while, in this page or another, and when something is again.
 * @param {() => void} changed called at each
 * @returns {() => void} notes that something was done
 */
function followInput(changed) {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let resting;
    let told = 0; // when the other pages were told that something is done
    const others = new BroadcastChannel('foyer-done');
    const turn = (away) => {
        isAway = away;
        changed();
    };
    /** Something was done, in this page or another. */
    const stay = () => {
        clearTimeout(resting);
        resting = setTimeout(turn, IDLE_TIMEOUT_MS, true);
        if (isAway) turn(false);
    };
    const done = () => {
        if (!isAway && Date.now() - told < BROADCAST_INTERVAL_MS) return;
        told = Date.now();
        others.postMessage('');
        stay();
    };
    for (const name of INPUT_EVENTS) addEventListener(name, done, { passive: true, capture: true }); // some go no further than to an element
    others.addEventListener('message', stay);
    stay();
    return done;
}

/** @param {Converse.Private} _converse */
export function reportClientState({ api }) {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let waiting;
    let release = () => {};

    const tell = (unseen) => {
        isInactiveReported = unseen;
        if (!api.connection.connected()) return;
        const { stx } = window.converse.env;
        api.send(unseen ? stx`<inactive xmlns="urn:xmpp:csi:0"/>` : stx`<active xmlns="urn:xmpp:csi:0"/>`);
    };
    /** Holds the lock until it is released, which may be before it is granted. */
    const hold = () => {
        /** @type {Promise<void>} */
        const released = new Promise((resolve) => (release = resolve));
        navigator.locks.request(ACTIVE_LOCK, { mode: 'shared' }, () => released);
    };
    const look = () => {
        clearTimeout(waiting);
        release();
        if (isPageActive()) {
            hold();
            if (isInactiveReported) tell(false);
        } else if (!isInactiveReported) waiting = setTimeout(() => tell(true), HIDDEN_DELAY_MS);
    };
    const changed = () => {
        look();
        document.dispatchEvent(new CustomEvent('foyer:looking'));
    };
    const done = followInput(changed);
    document.addEventListener('visibilitychange', () => {
        if (!document.hidden) done();
        changed();
    });
    if (!document.hidden) hold();
    // A stream begins as one that somebody looks at; one that goes on is as it was left.
    const begin = () => (isInactiveReported || isPageActive() ? tell(!isPageActive()) : look());
    api.listen.on('connected', begin);
    api.listen.on('reconnected', begin);
}
