// The topic of a room (XEP-0045 §8.1). Converse sends one, and does not look whether the room takes it.

const ANSWER_TIMEOUT_MS = 60_000; // ms for which an answer is listened for

/** @param {Converse.Private} _converse */
export function watchTopics({ api, exports }) {
    // Patch: topic-answered
    exports.MUC.prototype.setSubject = async function (topic) {
        const { stx, u } = window.converse.env;
        const id = u.getUniqueId();
        if (!api.connection.connected()) throw new Error('There is no connection.');
        if (this.get('subject')?.text === topic) return; // some servers say nothing then
        const end = Date.now() + ANSWER_TIMEOUT_MS;
        /** A room that takes it tells everybody, some by the id that it was sent with. @type {Promise<unknown>} */
        const answer = new Promise((resolve, reject) => {
            const hear = (message) => {
                const isIt = message.getAttribute('id') === id || (!message.querySelector('body') && message.querySelector('subject')?.textContent === topic);
                if (isIt) (message.getAttribute('type') === 'error' ? reject : resolve)(message);
                return !isIt && Date.now() < end;
            };
            api.connection.get().addHandler(hear, null, 'message', null, null, this.get('jid'), { matchBareFromJid: true });
        });
        api.send(stx`<message to="${this.get('jid')}" type="groupchat" id="${id}" xmlns="jabber:client"><subject>${topic}</subject></message>`);
        return answer;
    };
}
