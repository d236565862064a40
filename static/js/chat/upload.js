// Files that did not get through: why is said here. Converse goes on showing how
// far the upload is, and does not know the service's reason.

// How long the reason stands in the conversation.
const SHOWN = 30 * 1000; // ms

/** The prototype in a chain that has a method itself. */
function owner(prototype, method) {
    while (prototype && !Object.hasOwn(prototype, method)) prototype = Object.getPrototypeOf(prototype);
    return prototype;
}

/**
 * Shows what went wrong, in the service's words if it gave any (XEP-0363 §5).
 * @param {Converse.Private} _converse
 */
export function explainFailedFiles(_converse) {
    const message = owner(_converse.exports.Message.prototype, 'sendSlotRequestStanza'); // that of rooms' messages, too
    if (!message) return;
    const { sendSlotRequestStanza, getRequestSlotURL } = message;
    const reasons = new WeakMap();

    message.sendSlotRequestStanza = async function () {
        try {
            return await sendSlotRequestStanza.call(this);
        } catch (refusal) {
            const reason = refusal instanceof Element && refusal.querySelector('error > text')?.textContent;
            if (reason) reasons.set(this, reason);
            throw refusal;
        }
    };
    message.getRequestSlotURL = function () {
        this.once('change:type', () => {
            this.save({ file: false, is_ephemeral: SHOWN, message: reasons.get(this) ?? this.get('message') });
        });
        return getRequestSlotURL.call(this);
    };
}
