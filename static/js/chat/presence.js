// Presence dots on the pages, from the chat's roster.

import { all } from '../dom.js';
import { isAround } from './people.js';

/** Shows whether one person is around, wherever the page shows them. */
function paint(jid, around) {
    for (const person of all(`.person[data-jid="${CSS.escape(jid)}"]`)) {
        person.dataset.online = String(around);
        for (const state of all('[data-state-text]', person)) state.textContent = around ? 'Around' : 'Away';
    }
}

export function followPresence(_converse) {
    const { api } = _converse;
    const followed = new WeakSet();

    const follow = (contact) => {
        const { presence } = contact;
        if (!presence) return;
        if (!followed.has(presence)) {
            followed.add(presence);
            presence.on('change', () => paint(contact.get('jid'), isAround(presence)));
        }
        paint(contact.get('jid'), isAround(presence));
    };
    const followAll = () => _converse.state.roster?.forEach(follow);

    api.listen.on('rosterContactsFetched', () => {
        followAll();
        _converse.state.roster.on('add', follow);
    });
    document.addEventListener('foyer:page', () => {
        if (api.connection.connected()) followAll();
    });
}
