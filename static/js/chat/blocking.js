// Blocking somebody (XEP-0191), from the menu of a conversation. Converse would
// take them out of the list of people as well; who is in that is the site's
// business, and there they are to be found when they are to be unblocked.

const ERRORS = 'urn:xmpp:blocking:errors';

/**
 * @param {Converse.Private} _converse
 * @param {import('./types.js').ChatConfig} config
 */
export function blockPeople(_converse, config) {
    const { api } = _converse;

    const block = async (chat) => {
        const question = `${chat.getDisplayName()} can no longer write to you, and does not see whether you are around.`;
        if (!(await api.confirm('Block this person?', [question]))) return;
        await api.blocklist.add(chat.get('jid'));
        chat.close();
    };
    api.listen.on('getHeadingButtons', (element, buttons) =>
        buttons.map((button) => {
            if (button.name !== 'block' || config.roster === 'none') return button;
            const handler = (event) => {
                event.preventDefault();
                block(element.model);
            };
            return { ...button, handler };
        }),
    );
    // Only who blocks is told so by the server; Converse takes it for the other side.
    api.listen.on('getErrorAttributesForMessage', (message, attributes, { errors }) =>
        errors?.some(({ name, xmlns }) => name === 'blocked' && xmlns === ERRORS)
            ? { ...attributes, error: 'You block this person. Unblock them in the menu above, to talk.' }
            : attributes,
    );
}
