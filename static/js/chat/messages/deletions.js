// What somebody deletes is deleted for everybody, or stays and they are told: nothing is shown as deleted, for good, that
// others still read.

import { answers } from '../connection/connectivity.js';
import { siteTime } from '../siteTime.js';

// How long the server may take to answer on the stream that comes after a lost one.
const PING_TIMEOUT_MS = 6000;

/**
 * @param {Converse.Private} _converse
 * @param {{has: (id: string) => boolean}} outbox
 */
export function deleteForEverybody(_converse, outbox) {
    const { api, exports: { ChatBox, MUC } } = _converse;
    const { stx, u, Strophe: { NS } } = window.converse.env;
    // Patch: deletion-kept
    ChatBox.prototype.retractOwnMessage = function (message) {
        const id = u.getUniqueId();
        const deleted = message.get('origin_id') ?? message.get('msgid'); // not all apps give the first
        api.send(stx`
            <message id="${id}" to="${this.get('jid')}" type="chat" xmlns="jabber:client">
                <retract id="${deleted}" xmlns="${NS.RETRACT}"/>
                <body>/me retracted a message</body>
                <store xmlns="${NS.HINTS}"/>
                <fallback xmlns="${NS.FALLBACK}" for="${NS.RETRACT}"/>
            </message>`);
        message.save({ retracted: new Date(siteTime.now()).toISOString(), retracted_id: deleted, retraction_id: id, is_ephemeral: true, editable: false });
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
            api.listen.once('reconnected', () => answers(_converse, PING_TIMEOUT_MS).then(() => resolve(message.get('moderated') ? undefined : null)));
        }));
        return Promise.race([answer, lost]);
    };
}
