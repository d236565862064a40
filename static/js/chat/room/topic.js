// The topic of a room (XEP-0045 §8.1). Converse sends one, and does not look whether the room takes it.

/** @param {Converse.Private} _converse */
export function hearOfTopics({ api, exports }) {
    // Patch: topic-answered
    exports.MUC.prototype.setSubject = async function (topic) {
        const { stx, u } = window.converse.env;
        const id = u.getUniqueId();
        if (!api.connection.connected()) throw new Error('There is no connection.');
        /** A room that takes it tells everybody, by the id that it was sent with. @type {Promise<unknown>} */
        const answer = new Promise((resolve, reject) => {
            const hear = (message) => {
                (message.getAttribute('type') === 'error' ? reject : resolve)(message);
                return false; // once
            };
            api.connection.get().addHandler(hear, null, 'message', null, id);
        });
        api.send(stx`<message to="${this.get('jid')}" type="groupchat" id="${id}" xmlns="jabber:client"><subject>${topic}</subject></message>`);
        return answer;
    };
}
