// The buttons of the pages open a chat with a person, or a room, and the card of a person.

import { all, around } from '../dom.js';
import { panel } from './panel.js';
import { personCard } from './people/cards.js';

/** Makes a name that opens a card of one that says who somebody is: without the chat there are no cards. A press on the whole row is on it (site.css). */
function makeOpener(name) {
    const button = Object.assign(document.createElement('button'), { type: 'button', className: 'name', textContent: name.textContent });
    button.setAttribute('aria-label', `About ${name.textContent}`);
    button.setAttribute('aria-haspopup', 'dialog');
    name.replaceWith(button);
}

export function openChats(_converse) {
    const { api } = _converse;
    let ready = false;

    const showButtons = () => {
        for (const button of all('[data-message], [data-room]')) button.hidden = !ready;
        if (ready) all('.person[data-jid] span.name').forEach(makeOpener);
        const [asked] = ready ? all('[data-open-room]') : [];
        if (!asked) return;
        history.replaceState(history.state, '', location.pathname);
        openRoom(asked.dataset.openRoom);
        asked.remove();
    };
    const openRoom = (jid) => {
        panel.open(jid);
        return api.rooms.open(jid, {}, true);
    };
    const becomeReady = () => {
        ready = true;
        showButtons();
    };
    // Somebody who left the site leaves the list of conversations too; what
    // was said stays in the archive.
    const closeChat = (contact) => _converse.state.chatboxes.get(contact.get('jid'))?.close();
    api.listen.on('rosterContactsFetched', () => {
        becomeReady();
        panel.ready = true;
        _converse.state.roster.off('remove', closeChat); // after a reconnection it is the same
        _converse.state.roster.on('remove', closeChat);
    });
    api.listen.on('connected', becomeReady);
    api.listen.on('reconnected', () => (panel.ready = true));
    for (const lost of ['will-reconnect', 'disconnected']) api.listen.on(lost, () => (panel.ready = false));
    document.addEventListener('foyer:page', showButtons);

    document.addEventListener('click', async (event) => {
        const button = around(event, '[data-message], [data-room], button.name');
        if (!button) return;
        const person = button.closest('.person[data-jid]');
        if (person && button.className === 'name') return personCard.show({ jid: person.dataset.jid, name: button.textContent }, button);
        if (button.dataset.room) return openRoom(button.dataset.room);
        panel.open(button.dataset.message);
        await api.chats.open(button.dataset.message, {}, true);
    });
}
