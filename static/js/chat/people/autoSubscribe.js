// Where the chat server knows nothing of the site's people, those who talk become each
// other's contacts, so that both see whether the other is around: with the first message
// goes a request (RFC 6121 §3), and a request from this site is answered with yes.

/**
 * @param {Converse.Private} _converse
 * @param {import('../types.js').ChatConfig} config
 */
export function autoSubscribe(_converse, config) {
    const { api } = _converse;
    const { $pres, Strophe } = window.converse.env;
    const { prototype: roster } = _converse.exports.RosterContacts;
    const { handleIncomingSubscription } = roster;

    const isOurs = (jid) => Strophe.getDomainFromJid(jid) === config.domain;
    const ask = (jid) => {
        const contact = _converse.state.roster?.get(jid);
        const asked = contact?.get('ask') || ['to', 'both'].includes(contact?.get('subscription'));
        if (!asked && isOurs(jid)) api.send($pres({ to: jid, type: 'subscribe' }));
    };

    // Patch: requests-answered
    roster.handleIncomingSubscription = function (presence) {
        const jid = Strophe.getBareJidFromJid(presence.getAttribute('from'));
        if (!isOurs(jid)) return handleIncomingSubscription.call(this, presence);
        api.send($pres({ to: jid, type: 'subscribed' }));
        ask(jid);
    };
    api.listen.on('sendMessage', ({ chatbox }) => {
        if (chatbox.get('type') === 'chatbox') ask(chatbox.get('jid'));
    });
}

/**
 * A request from somebody with whom a conversation is open, and who is no contact, is asked about as any other is.
 * @param {Converse.Private} _converse
 */
export function showContactRequests({ api, exports }) {
    const { prototype: roster } = exports.RosterContacts;
    const { handleIncomingSubscription } = roster;
    // Patch: requests-asked
    roster.handleIncomingSubscription = function (presence) {
        const contact = this.get(window.converse.env.Strophe.getBareJidFromJid(presence.getAttribute('from')));
        const isNone = contact && contact.get('subscription') === undefined;
        if (!isNone || !api.settings.get('allow_contact_requests')) return handleIncomingSubscription.call(this, presence);
        contact.save({ subscription: 'none', ask: null, requesting: true });
    };
}
