// What the site counted as unread between people (app/conversations.go), for conversations
// that this browser may not know yet; of rooms: list/follow.js.

/** @typedef {{unread: number, upTo: string, read: string}} Count of messages up to an id, after the one that was read */

/** @type {Map<string, Count>} */
let counts = new Map();

const NONE = { unread: 0, upTo: '', read: '' };

const changed = () => document.dispatchEvent(new CustomEvent('foyer:unread'));

export const counted = {
    /** @param {Map<string, import('./list/entries.js').Entry>} conversations that the site told */
    tell(conversations) {
        counts = new Map([...conversations].flatMap(([jid, { unread = 0, read = '', room, last }]) => (room ? [] : [[jid, { unread, read, upTo: last?.id ?? '' }]])));
        changed();
    },

    /** @param {string} jid @returns {Count} */
    of: (jid) => counts.get(jid) ?? NONE,

    /** A conversation was read up to a message, on another device. */
    read(jid, id) {
        const count = counts.get(jid);
        if (!count?.unread || id < count.upTo) return;
        counts.set(jid, { ...count, unread: 0, read: id });
        changed();
    },

    /** Those of whose conversations there are messages that nobody read. @returns {[string, number][]} */
    all: () => [...counts].filter(([, { unread }]) => unread > 0).map(([jid, { unread }]) => [jid, unread]),
};
