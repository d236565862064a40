// Whether a message was read (XEP-0333): messages of conversations between two ask to
// be told, and what is told is kept with them. Converse answers who asks, and neither
// asks itself nor keeps the answer under a name by which it could be found.

const MARKERS = 'urn:xmpp:chat-markers:0';

/** @param {Converse.Private} _converse */
// Patch: read-receipts
export function followDelivery(_converse) {
    const { api, exports } = _converse;

    api.listen.on('createMessageStanza', (chat, data) => {
        const { message, stanza } = data;
        if (chat.get('type') === 'chatbox' && message.get('body')) stanza.c('markable', { xmlns: MARKERS }).root();
        return data;
    });

    api.listen.on('parseMessage', (stanza, attributes) => {
        const [displayed] = stanza.getElementsByTagNameNS(MARKERS, 'displayed');
        return displayed ? { ...attributes, displayed_id: displayed.getAttribute('id') } : attributes;
    });

    const { prototype } = exports.ChatBox;
    const { handleChatMarker } = prototype;
    prototype.handleChatMarker = function (attributes) {
        const { displayed_id: msgid, sender, time } = attributes;
        if (msgid && sender === 'them') this.messages.findWhere({ msgid })?.save({ marker_displayed: time });
        return handleChatMarker.call(this, attributes);
    };
}
