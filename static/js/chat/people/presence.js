// Presence dots on the pages: from the chat's roster, and for the people of a page
// who are not on it, from what the server is asked to tell of them.

import { all } from '../../dom.js';
import { isAround } from './people.js';

const WATCH = 'urn:foyer:watch:0';

// What the server takes at once; pages show fewer.
const MAX_WATCHED = 200;

const WATCH_DELAY_MS = 200; // who becomes a contact is told in several steps

/** Shows whether one person is around, wherever the page shows them. */
function paint(jid, around) {
    for (const person of all(`.person[data-jid="${CSS.escape(jid)}"]`)) {
        person.dataset.online = String(around);
        for (const state of all('[data-state-text]', person)) state.textContent = around ? 'Around' : 'Away';
    }
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let renewing;

/**
 * Shows the people of a page as the site has them now, soon: somebody has become a contact, or is one no more. Where
 * somebody is in the list, or it is fetched just now, that waits.
 */
function renewPeople() {
    clearTimeout(renewing);
    renewing = setTimeout(() => {
        const frame = /** @type {any} */ (document.querySelector('#found:has(.person:not(.room))'));
        if (frame?.contains(document.activeElement)) frame.addEventListener('focusout', renewPeople, { once: true });
        else if (frame?.hasAttribute('busy')) renewPeople();
        else if (frame?.src) frame.reload();
        else if (frame) frame.src = location.href;
    }, WATCH_DELAY_MS);
}

/** Whether the server tells the person about a contact's presence (RFC 6121 §2.1.2.5). */
const isTold = (contact) => ['to', 'both'].includes(contact.get('subscription'));

/**
 * @param {Converse.Private} _converse
 * @param {import('../types.js').ChatConfig} config
 */
export function followPresence(_converse, config) {
    const { api } = _converse;
    const followed = new WeakSet();

    const follow = (contact) => {
        const { presence } = contact;
        if (!presence) return;
        const show = () => isTold(contact) && paint(contact.get('jid'), isAround(presence));
        if (!followed.has(presence)) {
            followed.add(presence);
            presence.on('change', show);
            contact.on('change:subscription', show);
        }
        show();
    };
    const followNew = (contact) => contact.initialized.then(() => follow(contact));
    const followAll = () => _converse.state.roster?.forEach(follow);
    const watch = config.watch ? watcher(_converse) : () => {};

    api.listen.on('rosterContactsFetched', () => {
        followAll();
        _converse.state.roster.off('add', followNew); // after a reconnection it is the same
        _converse.state.roster.on('add', followNew);
        _converse.state.roster.off('change:subscription', renewPeople);
        _converse.state.roster.on('change:subscription', renewPeople);
        watch();
    });
    api.listen.on('reconnected', watch);
    document.addEventListener('foyer:page', () => {
        if (!api.connection.connected()) return;
        followAll();
        watch();
    });
}

/** Splits an address into the bare one and the resource. */
function split(jid) {
    const [bare, ...resource] = jid.split('/');
    return { bare, resource: resource.join('/') };
}

/** Returns what asks for the presence of the people on the page whom the roster does not have. */
function watcher(_converse) {
    const { api } = _converse;
    let asked = 0; // of several answers only the last one counts
    /** @type {Map<string, Set<string>>} resources by bare address */
    let resources = new Map();
    let handler = null;

    const onPresence = (presence) => {
        const { bare, resource } = split(presence.getAttribute('from') ?? '');
        const known = resources.get(bare);
        if (!known || !resource) return true;
        const type = presence.getAttribute('type');
        if (!type) known.add(resource);
        else if (type === 'unavailable') known.delete(resource);
        paint(bare, known.size > 0);
        return true;
    };

    return async () => {
        // A new stream has forgotten the handler.
        const connection = api.connection.get();
        if (handler) connection.deleteHandler(handler);
        handler = connection.addHandler(onPresence, null, 'presence');
        const shown = all('.person[data-jid]').map((person) => person.dataset.jid);
        const strangers = [...new Set(shown)].filter((jid) => !_converse.state.roster?.get(jid)).slice(0, MAX_WATCHED);
        if (!strangers.length && !resources.size) return; // nothing to ask, and nothing to end
        resources = new Map(strangers.map((jid) => [jid, new Set()]));
        const iq = window.converse.env.$iq({ type: 'set' }).c('watch', { xmlns: WATCH });
        for (const jid of strangers) iq.c('account', { jid }).up();
        const mine = ++asked;
        const result = await api.sendIQ(iq).catch(() => null);
        if (!result || mine !== asked) return;
        for (const account of result.querySelectorAll('account')) {
            const { bare, resource } = split(account.getAttribute('jid') ?? '');
            resources.get(bare)?.add(resource);
        }
        for (const [jid, known] of resources) paint(jid, known.size > 0);
    };
}
