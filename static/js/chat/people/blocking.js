// Blocking somebody (XEP-0191), from the menu of a conversation. Converse would
// take them out of the list of people as well; who is in that is the site's
// business, and there they are to be found when they are to be unblocked.

import { ask } from '../dialogs/questions.js';

const BLOCKING = 'urn:xmpp:blocking';
const ERRORS = `${BLOCKING}:errors`;

/** Asks, blocks somebody, and closes the conversation with them. @param {Converse.Private} _converse */
export async function block(_converse, jid, name) {
    const text = 'They can no longer write to you, and do not see whether you are around.';
    if (!(await ask(_converse.api, { title: `Block ${name}?`, text, verb: 'Block', destroys: true }))) return;
    if (await _converse.api.blocklist.add(jid)) _converse.state.chatboxes.get(jid)?.close();
}

/**
 * Draws an element again when somebody is blocked or is not any more: `blocked` is who is. Where the
 * server does not block there never is a list.
 */
export async function followBlocks(api, element) {
    element.blocked = await api.blocklist.get();
    element.listenTo(element.blocked, 'add remove reset', () => element.requestUpdate());
    element.requestUpdate();
}

/**
 * Converse asks for the list once in a tab, and hears of what other devices block on a page's first stream alone: so it is
 * asked for on each stream, and on later ones again with each change.
 */
function followOthers(/** @type {Converse.Private} */ _converse) {
    const { api } = _converse;
    const learn = async () => {
        const list = /** @type {any} */ (await api.blocklist.get());
        const { stx } = window.converse.env;
        const answer = await api.sendIQ(stx`<iq type="get" xmlns="jabber:client"><blocklist xmlns="${BLOCKING}"/></iq>`, undefined, false);
        if (answer?.getAttribute('type') !== 'result') return;
        const jids = Array.from(answer.querySelectorAll('item'), (item) => item.getAttribute('jid'));
        for (const entry of list.models.filter((each) => !jids.includes(each.get('jid')))) entry.destroy();
        for (const jid of jids) if (!list.get(jid)) list.create({ jid });
    };
    api.listen.on('connected', learn);
    // XEP-0191, section 3.3: one's own server tells it, which leaves the sender out or writes one's own address.
    const hear = (/** @type {Element} */ push) => {
        const own = _converse.session.get('bare_jid');
        if (window.converse.env.Strophe.getBareJidFromJid(push.getAttribute('from') ?? own) === own) learn();
        return true;
    };
    api.listen.on('reconnected', () => {
        api.connection.get().addHandler(hear, BLOCKING, 'iq', 'set');
        learn();
    });
}

/**
 * @param {Converse.Private} _converse
 * @param {import('../types.js').ChatConfig} config
 */
export function blockPeople(_converse, config) {
    const { api } = _converse;
    followOthers(_converse);
    // Patch: block-failures
    for (const how of ['add', 'remove']) {
        const change = api.blocklist[how];
        api.blocklist[how] = (...jids) => change(...jids).catch((refusal) => {
            api.alert('error', 'That did not work', [refusal?.querySelector?.('text')?.textContent || 'Please try again in a moment.']);
        });
    }
    // Patch: block-button
    api.listen.on('getHeadingButtons', (element, buttons) =>
        buttons.map((button) => {
            if (button.name !== 'block' || config.roster === 'none') return button;
            const handler = (event) => {
                event.preventDefault();
                block(_converse, element.model.get('jid'), element.model.getDisplayName());
            };
            return { ...button, handler };
        }),
    );
    // Only who blocks is told so by the server; Converse takes it for the other side.
    // Patch: blocked-words
    api.listen.on('getErrorAttributesForMessage', (message, attributes, { errors }) =>
        errors?.some(({ name, xmlns }) => name === 'blocked' && xmlns === ERRORS)
            ? { ...attributes, error: 'You block this person. Unblock them to talk.' }
            : attributes,
    );
}
