// OMEMO: a key serves once. Of a message that comes twice in the same moment, from its
// sender and from the archive, Converse reads one; the other has neither a text nor an
// error, and may come first, and be shown for good. So it waits for the one that was read.

const PATIENCE = 5000; // ms

/** A copy of a message that was read already. */
const isRepeat = (attrs) => attrs?.is_encrypted && attrs.encrypted && !attrs.plaintext && !attrs.is_error && !attrs.is_only_key;

/**
 * Whether a message was read, now or within moments.
 * @returns {Promise<boolean>}
 */
function wasRead(messages, id) {
    const is = (message) => message.get('msgid') === id && Boolean(message.get('plaintext'));
    if (messages.models.some(is)) return Promise.resolve(true);
    return new Promise((resolve) => {
        const settle = (read) => {
            clearTimeout(timer);
            messages.off('add', look);
            resolve(read);
        };
        const look = (message) => is(message) && settle(true);
        const timer = setTimeout(settle, PATIENCE, false);
        messages.on('add', look);
    });
}

/** @param {Converse.Private} _converse */
export function readOnce(_converse) {
    for (const { prototype } of [_converse.exports.ChatBox, _converse.exports.MUC]) {
        const { queueMessage } = prototype;
        prototype.queueMessage = async function (attrs) {
            if (isRepeat(attrs) && (await wasRead(this.messages, attrs.msgid))) return;
            return queueMessage.call(this, attrs);
        };
    }
}
