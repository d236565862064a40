// What is unread between people, as the site counted it (app/conversations.go), or as another server's
// archive has it (list/archived.js), for conversations that this browser may not know yet; of rooms: list/follow.js.

/** Ids of this site's archives stand in the order of time (RFC 9562 §5.7); those of another server's need not. */
export const inOrder = (id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7/.test(id);

const isUpTo = (id, other) => id === other || (inOrder(id) && inOrder(other) && id > other);

/** @typedef {{unread: number, upTo: string, read: string}} Count of messages up to an id, after the one that was read */

/** @type {Map<string, Count>} */
let counts = new Map();

const NONE = { unread: 0, upTo: '', read: '' };

const changed = () => document.dispatchEvent(new CustomEvent('foyer:unread'));

export const serverUnread = {
    /** @param {Map<string, import('../list/entries.js').Entry>} conversations that the site told */
    tell(conversations) {
        counts = new Map([...conversations].flatMap(([jid, { unread = 0, read = '', room, last }]) => (room ? [] : [[jid, { unread, read, upTo: last?.id ?? '' }]])));
        changed();
    },

    /** @param {string} jid @returns {Count} */
    of: (jid) => counts.get(jid) ?? NONE,

    /** A conversation was read up to a message, on another device. */
    read(jid, id) {
        const count = counts.get(jid);
        if (!count?.unread || !isUpTo(id, count.upTo)) return;
        counts.set(jid, { ...count, unread: 0, read: id });
        changed();
    },

    /** Those of whose conversations there are messages that nobody read. @returns {[string, number][]} */
    all: () => [...counts].filter(([, { unread }]) => unread > 0).map(([jid, { unread }]) => [jid, unread]),
};
