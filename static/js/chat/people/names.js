// People are known by their names here: addresses are kept out of sight, and so
// is what would show or ask for one.

import { byId } from '../../dom.js';
import { withTimeout } from '../withTimeout.js';
import { askFor } from '../list/ask.js';
import { SOMEBODY } from './people.js';

// What a menu of Converse's offers and this site does not: a room's details are the
// page's, and people have one name everywhere, that of their settings.
const NOT_OFFERED = new Set(['details', 'nickname', 'bookmark', 'toggle-bookmark']);

const VCARD_TIMEOUT_MS = 5000; // ms that the chat server has to say who somebody is: ejabberd was seen not to

/** Who has no name is not called by their address. A message that comes before its author is known has the name of its conversation. */
// Patch: names
function nameNobodyByAddress({ prototype }) {
    const { getDisplayName } = prototype;
    prototype.getDisplayName = function (...options) {
        const name = getDisplayName.apply(this, options);
        if (!name || ![this.get('jid'), this.get('from')].includes(name)) return name;
        return this.collection?.chatbox?.getDisplayName() ?? SOMEBODY;
    };
}

const MAX_BATCH = 50; // people in one request: maxNamed of app/conversations.go
const BATCH_WINDOW_MS = 16; // ms in which those are gathered that one request asks for

/** @type {Set<string> | undefined} */
let gathered;
/** @type {ReturnType<typeof askFor>} */
let answer;

/** The site's answer about somebody and about who else is asked for in the same moment. */
function askTogether(/** @type {string} */ user) {
    if (!gathered || gathered.size >= MAX_BATCH) {
        const users = (gathered = new Set());
        answer = new Promise((resolve) => setTimeout(resolve, BATCH_WINDOW_MS)).then(() => {
            if (gathered === users) gathered = undefined;
            return askFor([...users].map((each) => ['user', each]));
        });
    }
    gathered.add(user);
    return answer;
}

/**
 * Of whom the chat server knows no name, the site says it: another server has it once they signed in to the site. Such a
 * name is not kept like a card: each page asks again, also after a failure.
 * @param {Converse.Private} _converse
 * @param {import('../types.js').ChatConfig} config
 */
// Patch: names-of-site
function nameBySite({ api }, { domain }) {
    const { get } = api.vcard;
    api.vcard.get = async function (/** @type {any} */ model, force) {
        const card = await withTimeout(get.call(this, model, force), VCARD_TIMEOUT_MS);
        const jid = typeof model === 'string' ? model : model.get('jid');
        const { fullname, nickname, ...rest } = card ?? model.attributes ?? {}; // null: it is known, as it was before, or nobody answers
        const [user, of] = jid?.split('@') ?? [];
        if (fullname || nickname || of !== domain) return card;
        const name = (await askTogether(user).catch(() => null))?.get(jid)?.name;
        return { ...rest, ...(name && { fullname: name }), vcard_updated: null, vcard_error: null };
    };
}

/**
 * A card that was first met in a room waits there for its member to be in sight. With whom a conversation begins is asked for
 * at once.
 */
// Patch: card-at-once
function askAtOnce({ prototype }) {
    const { getVCard } = prototype;
    prototype.getVCard = async function () {
        const card = await getVCard.call(this);
        card?.trigger('visibilityChanged');
        return card;
    };
}

/** A room that has not said its name yet is called as the list of conversations calls it. */
// Patch: rooms-by-name
function nameRoomsAsListed({ prototype }) {
    const { getDisplayName } = prototype;
    let listed = new Map();
    document.addEventListener('foyer:conversations', (event) => (listed = /** @type {CustomEvent} */ (event).detail));
    prototype.getDisplayName = function (...options) {
        return (!this.get('name') && listed.get(this.get('jid'))?.name) || getDisplayName.apply(this, options);
    };
}

/** What is asked about somebody is asked again when their name is known. */
// Patch: asked-by-name
function askByName({ prototype }) {
    const { initialize } = prototype;
    prototype.initialize = function () {
        initialize.call(this);
        this.listenTo(this.contact, 'vcard:add vcard:change', () => this.requestUpdate());
    };
}

/** Takes "(XMPP address: …)" and bare addresses out of tooltips, in whatever language. */
// Patch: tooltips
function tidy(element) {
    const title = element.getAttribute?.('title');
    if (!title?.includes('@')) return;
    const rest = title.replace(/\s*\([^()]*@[^()]*\)/, '').replace(/\S+@\S+/g, '').trim();
    if (rest) element.setAttribute('title', rest);
    else element.removeAttribute('title');
}

/**
 * @param {Converse.Private} _converse
 * @param {import('../types.js').ChatConfig} config
 */
export function hideAddresses(_converse, config) {
    const { api, exports } = _converse;
    for (const type of [exports.ChatBox, exports.Message, exports.RosterContact, exports.MUCOccupant, exports.VCard]) nameNobodyByAddress(type);
    nameBySite(_converse, config);
    askAtOnce(exports.ChatBox);
    nameRoomsAsListed(exports.MUC);
    askByName(api.elements.registry['converse-contact-approval-alert']);
    // Patch: menu-entries
    api.listen.on('getHeadingButtons', (element, buttons) => buttons.filter(({ name }) => !NOT_OFFERED.has(name)));

    const root = byId('conversejs');
    new MutationObserver((changes) => {
        for (const { type, target, addedNodes } of changes) {
            if (type === 'attributes') tidy(target);
            for (const node of addedNodes) {
                tidy(node);
                if (node instanceof Element) node.querySelectorAll('[title*="@"]').forEach(tidy);
            }
        }
    }).observe(root, { subtree: true, childList: true, attributes: true, attributeFilter: ['title'] });
}
