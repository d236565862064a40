// Whether somebody looks at this page, told to the chat server (XEP-0352): it then spares
// the page what can wait, and tells the person of messages by web push instead.

const HIDDEN_FOR = 2000; // ms; a page that is being left is hidden, too
const VISIBLE = 'foyer-visible'; // the lock that pages hold while they are visible

let isTold = false; // that nobody looks

/** Whether the server takes this page for one that nobody looks at. */
export const isUnseen = () => isTold;

/** Whether another page of this browser is visible. */
export async function isVisibleElsewhere() {
    const { held = [] } = await navigator.locks.query();
    return document.hidden && held.some(({ name }) => name === VISIBLE);
}

/** @param {Converse.Private} _converse */
export function tellWhoLooks({ api }) {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let waiting;
    let release = () => {};

    const tell = (unseen) => {
        isTold = unseen;
        if (!api.connection.connected()) return;
        const { stx } = window.converse.env;
        api.send(unseen ? stx`<inactive xmlns="urn:xmpp:csi:0"/>` : stx`<active xmlns="urn:xmpp:csi:0"/>`);
    };
    /** Holds the lock until it is released, which may be before it is granted. */
    const hold = () => {
        /** @type {Promise<void>} */
        const released = new Promise((resolve) => (release = resolve));
        navigator.locks.request(VISIBLE, { mode: 'shared' }, () => released);
    };
    const look = () => {
        clearTimeout(waiting);
        release();
        if (document.hidden) waiting = setTimeout(() => tell(true), HIDDEN_FOR);
        else {
            hold();
            if (isTold) tell(false);
        }
    };
    document.addEventListener('visibilitychange', look);
    if (!document.hidden) hold();
    // A stream begins as one that somebody looks at; one that goes on is as it was left.
    const begin = () => (document.hidden ? look() : tell(false));
    api.listen.on('connected', begin);
    api.listen.on('reconnected', begin);
}
