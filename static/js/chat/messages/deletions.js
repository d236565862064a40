// What somebody deletes is deleted for everybody, or stays and they are told: nothing is shown as deleted, for good, that
// others still read.

import { answers } from '../connection/connectivity.js';

// How long the server may take to answer on the stream that comes after a lost one.
const PATIENCE = 6000; // ms

/**
 * @param {Converse.Private} _converse
 * @param {{has: (id: string) => boolean}} outbox
 */
export function deleteForEverybody(_converse, outbox) {
    const { api, exports: { ChatBox, MUC } } = _converse;
    const { retractOwnMessage } = ChatBox.prototype;
    // Patch: deletion-kept
    ChatBox.prototype.retractOwnMessage = function (message) {
        const connection = /** @type {any} */ (api.connection.get());
        connection.send = (stanza) => {
            delete connection.send;
            api.send(stanza);
        };
        try {
            retractOwnMessage.call(this, message);
        } finally {
            delete connection.send; // also of one that Converse does not delete
        }
    };

    const { sendTimedMessage, retractOtherMessage, sendRetractionIQ } = MUC.prototype;
    // Patch: deletion-waits
    MUC.prototype.sendTimedMessage = async function (stanza) {
        const answer = await sendTimedMessage.call(this, stanza);
        return answer instanceof Error && outbox.has(stanza.tree().getAttribute('id')) ? null : answer;
    };

    // Patch: moderation-undone
    MUC.prototype.retractOtherMessage = function (message, ...reason) {
        // Until the room says it, for as long as the page is there.
        const unsaved = /** @type {any} */ (message);
        unsaved.save = (attributes) => {
            delete unsaved.save;
            return message.set(attributes);
        };
        return retractOtherMessage.call(this, message, ...reason);
    };
    MUC.prototype.sendRetractionIQ = function (message, ...reason) {
        let waits = true;
        const answer = sendRetractionIQ.call(this, message, ...reason).catch(() => null).finally(() => (waits = false));
        // What a stream had not acknowledged the next one sends, if it goes on there: then the room says so by its first answer.
        const lost = new Promise((resolve) => api.listen.once('will-reconnect', () => {
            if (!waits) return;
            message.set({ moderated: undefined });
            api.listen.once('reconnected', () => answers(_converse, PATIENCE).then(() => resolve(message.get('moderated') ? undefined : null)));
        }));
        return Promise.race([answer, lost]);
    };
}
