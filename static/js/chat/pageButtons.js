// The buttons of the pages open a chat with a person, or a room.

import { all, around } from '../dom.js';
import { panel } from './panel.js';

export function openChats(_converse) {
    const { api } = _converse;
    let ready = false;

    const showButtons = () => {
        for (const button of all('[data-message], [data-room]')) button.hidden = !ready;
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
        const button = around(event, '[data-message], [data-room]');
        if (!button) return;
        if (button.dataset.room) return openRoom(button.dataset.room);
        panel.open(button.dataset.message);
        await api.chats.open(button.dataset.message, {}, true);
    });
}
