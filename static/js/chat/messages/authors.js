// Between two people, what somebody says is said by their account, whichever of its devices says
// it: another one, or the same page once it was loaded again, may edit it or take it back
// (XEP-0308 §4, XEP-0424 §6), and what the archive tells once more has the address that the
// server knows, which after a reload is not the one that Converse goes by. Converse compares
// whole addresses; so messages have the account's. In rooms the resource is the person.

/**
 * @param {Converse.Private} _converse
 * @param {import('../types.js').ChatConfig} config
 */
// Patch: authors
export function knowAuthorsByAccount({ api }, config) {
    const { Strophe } = window.converse.env;
    const isOccupant = (jid) => Boolean(jid) && Strophe.getDomainFromJid(jid) === config.roomsDomain;
    const byAccount = (attributes) => {
        const { from, to } = attributes;
        return from && !isOccupant(from) && !isOccupant(to) ? { ...attributes, from: Strophe.getBareJidFromJid(from) } : attributes;
    };
    api.listen.on('parseMessage', (stanza, attributes) => byAccount(attributes));
    api.listen.on('afterMessagesFetched', (chat) => {
        if (chat.get('type') !== 'chatbox') return;
        for (const message of chat.messages.models) message.set(byAccount(message.attributes), { silent: true }); // kept before this was so
    });
    api.listen.on('getOutgoingMessageAttributes', (chat, attributes) => (chat.get('type') === 'chatbox' ? byAccount(attributes) : attributes));
}
