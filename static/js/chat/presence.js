// Presence dots on the pages, from the chat's roster.

const AROUND = new Set(['online', 'chat', 'away', 'xa', 'dnd']);

/** Shows whether one person is around, wherever the page shows them. */
function paint(jid, around) {
    for (const person of document.querySelectorAll(`.person[data-jid="${CSS.escape(jid)}"]`)) {
        person.dataset.online = String(around);
        person.querySelector('[data-state-text]').textContent = around ? 'Around' : 'Away';
    }
}

const isAround = (presence) => AROUND.has(presence.get('show') ?? presence.get('presence'));

/** @param {Converse.Private} _converse */
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
