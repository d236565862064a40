// Invitations to rooms: who invites is told by name, and the room opens at a
// click. Converse would show addresses.

import { byId } from '../../dom.js';
import { panel } from '../panel.js';
import { nameOf } from '../people/people.js';
import { isOut } from './rejoin.js';

const CONFERENCE = 'jabber:x:conference';

/** Who invites: in an invitation that came through the room, or a direct one. */
function inviter(message) {
    const invite = message.querySelector('x > invite');
    return (invite ?? message).getAttribute('from')?.split('/')[0];
}

/** @param {Converse.Private} _converse */
async function show(_converse, message) {
    const jid = message.getElementsByTagNameNS(CONFERENCE, 'x')[0]?.getAttribute('jid');
    if (!jid) return;
    const known = _converse.state.chatboxes.get(jid);
    if (known && !isOut(known)) return; // who was removed from it may come back
    const name = await nameOf(_converse, inviter(message));
    const box = byId('chat-invitation');
    const open = Object.assign(document.createElement('button'), { type: 'button', textContent: 'Open' });
    open.dataset.room = jid;
    const later = Object.assign(document.createElement('button'), { type: 'button', textContent: 'Later' });
    open.addEventListener('click', () => (box.hidden = true)); // and the room opens, with the focus
    later.addEventListener('click', () => {
        const byKey = later.matches(':focus-visible');
        box.hidden = true;
        if (byKey) panel.takeFocus();
    });
    box.replaceChildren(`${name} invites you to a room.`, ' ', open, ' ', later);
    box.hidden = false;
}

/** @param {Converse.Private} _converse */
export function receiveInvitations(_converse) {
    const { api } = _converse;
    const listen = () =>
        api.connection.get().addHandler(
            (message) => {
                show(_converse, message);
                return true;
            },
            CONFERENCE,
            'message',
        );
    api.listen.on('connected', listen);
    api.listen.on('reconnected', listen);
}
