// What a message edits or answers. Converse looks for that in the conversation when the message goes
// out; here it is what was edited or answered when Send was pressed (queue.js).

/**
 * A conversation in which nothing is edited or answered but what is meant.
 * @param {any} chat
 * @param {any} said
 * @param {Partial<import('./queue.js').Item>} meant
 */
function withContext(chat, said, { corrects, answers, stop }) {
    const instead = {
        messages: { findWhere: () => corrects },
        getOutgoingMessageAttributes: async () => {
            const { reply_to_id, reply_to } = chat.attributes; // what is answered by now is for a later message
            Object.assign(chat.attributes, { reply_to_id: undefined, reply_to: undefined });
            const made = chat.getOutgoingMessageAttributes({ ...said, ...answers, answers, corrects });
            Object.assign(chat.attributes, { reply_to_id, reply_to });
            const { answers: _, corrects: __, ...outgoing } = await made;
            stop?.signal.throwIfAborted();
            return outgoing;
        },
    };
    return new Proxy(chat, { get: (_, name) => instead[name] ?? (typeof chat[name] === 'function' ? chat[name].bind(chat) : chat[name]) });
}

/** @param {Converse.Private} _converse */
export function sendWithContext({ exports }) {
    for (const { prototype } of [exports.ChatBox, exports.MUC, exports.MUCOccupant]) {
        const { sendMessage, addReplyFallback } = prototype;
        // Patch: meant-then
        prototype.sendMessage = function (said, meant = {}) {
            return sendMessage.call(withContext(this, said, meant), said);
        };
        // A file is known by its text being its address alone (XEP-0066 §3): it has no copy of what it answers before it.
        // Patch: answers-then
        prototype.addReplyFallback = function ({ answers, ...attributes }) {
            const answer = { ...attributes, ...answers };
            return 'oob_url' in answer ? answer : addReplyFallback.call(this, answer);
        };
    }
}
