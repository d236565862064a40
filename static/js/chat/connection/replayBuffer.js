// What a stream brought and what is not in the browser's store yet. It is noted in the
// tab's own storage, which is written at once, so that a page that goes away loses
// nothing: the next one hears it again, on the stream that goes on.

import { keepInTab } from './tabStore.js';

const KEY = 'foyer-arrival-';

// The archive's answers are asked for again.
const MAM = 'urn:xmpp:mam:2';
const MUC_USER = 'http://jabber.org/protocol/muc#user';

/** The keys in the tab's storage, the oldest first. */
const keys = () =>
    Object.keys(sessionStorage)
        .filter((key) => key.startsWith(KEY))
        .sort((a, b) => Number(a.slice(KEY.length)) - Number(b.slice(KEY.length)));

const has = (stanza, name, xmlns) => [...stanza.children].some((child) => child.nodeName === name && child.getAttribute('xmlns') === xmlns);

/**
 * Whether this is told once: a change that is pushed, who is around, a request to be a
 * contact, or a message to the person. What rooms said is asked for again.
 */
const isSentOnce = (stanza) =>
    (stanza.nodeName === 'presence' && !has(stanza, 'x', MUC_USER)) ||
    (stanza.nodeName === 'iq' && stanza.getAttribute('type') === 'set') ||
    (stanza.nodeName === 'message' &&
        stanza.getAttribute('type') !== 'groupchat' &&
        stanza.querySelector('body') !== null &&
        !has(stanza, 'result', MAM));

export const replayBuffer = {
    /**
     * Notes of what came what is told once. Without room for it nothing stays noted.
     * @returns {{isKept: boolean, noted: boolean}} whether any of it is to be kept, and all of that is noted
     */
    note(element) {
        const sentOnce = [element, ...element.children].filter(isSentOnce);
        if (sentOnce.length === 0) return { isKept: false, noted: true };
        let next = Number(keys().at(-1)?.slice(KEY.length) ?? 0);
        const noted = sentOnce.every((stanza) => keepInTab(KEY + ++next, new XMLSerializer().serializeToString(stanza)));
        if (!noted) this.forget();
        return { isKept: true, noted };
    },

    forget() {
        for (const key of keys()) sessionStorage.removeItem(key);
    },

    any: () => keys().length > 0,

    /** What there is now; called, the function takes it out of the storage. */
    collect() {
        const found = keys();
        return () => {
            const body = document.implementation.createDocument(null, 'arrivals').documentElement;
            for (const key of found) {
                body.append(new DOMParser().parseFromString(sessionStorage.getItem(key), 'text/xml').documentElement);
                sessionStorage.removeItem(key);
            }
            return body;
        };
    },
};
