// Invitations to rooms: who invites is told by name, and so is the room, which opens
// at a click. Converse would show addresses.

import { byId } from '../../dom.js';
import { panel } from '../panel.js';
import { nameOf } from '../people/people.js';
import { hasDisconnectReason } from './rejoin.js';

const CONFERENCE = 'jabber:x:conference';
const NAME_TIMEOUT_MS = 2000; // ms after which an invitation is shown without the room's name

/** Who invites: in an invitation that came through the room, or a direct one. */
function inviter(message) {
    const invite = message.querySelector('x > invite');
    return (invite ?? message).getAttribute('from')?.split('/')[0];
}

/**
 * What a room is called, as it says itself (XEP-0045 §6.4); nothing for one that has no name, of which some servers
 * tell the address, and for one that does not answer.
 * @param {Converse.Private} _converse
 * @param {string} jid
 */
async function roomName({ api }, jid) {
    const answer = await api.disco.info(jid, '', { timeout: NAME_TIMEOUT_MS }).catch(() => null);
    const name = answer?.querySelector('identity[category="conference"]')?.getAttribute('name')?.trim();
    return name && name !== jid && name !== jid.split('@')[0] ? name : '';
}

/** Those that are not answered, the one that is shown first. @type {{jid: string, name: string, room: string}[]} */
const unanswered = [];

/** Who was removed from a room may come back. @param {Converse.Private} _converse @param {string} jid */
function isInvitable({ state }, jid) {
    const known = state.chatboxes.get(jid);
    return !known || hasDisconnectReason(known);
}

/** @param {Converse.Private} _converse */
function showFirst(_converse) {
    while (unanswered.length > 0 && !isInvitable(_converse, unanswered[0].jid)) unanswered.shift(); // it was opened meanwhile
    const box = byId('chat-invitation');
    box.hidden = unanswered.length === 0;
    if (box.hidden) return;
    const [{ jid, name, room }] = unanswered;
    const button = (textContent, /** @type {(byKey: boolean) => void} */ then) => {
        const made = Object.assign(document.createElement('button'), { type: 'button', textContent });
        made.addEventListener('click', () => {
            const byKey = made.matches(':focus-visible');
            unanswered.shift();
            showFirst(_converse);
            then(byKey);
        });
        return made;
    };
    const open = button('Open', () => {}); // and the room opens, with the focus
    open.dataset.room = jid;
    const later = button('Later', (byKey) => byKey && (box.hidden ? panel.takeFocus() : box.querySelector('button')?.focus()));
    box.replaceChildren(`${name} invites you to ${room ? `“${room}”` : 'a room'}.`, ' ', open, ' ', later);
}

/** @param {Converse.Private} _converse */
async function take(_converse, message) {
    const jid = message.getElementsByTagNameNS(CONFERENCE, 'x')[0]?.getAttribute('jid');
    if (!jid || !isInvitable(_converse, jid)) return;
    const [name, room] = await Promise.all([nameOf(_converse, inviter(message)), roomName(_converse, jid)]);
    if (unanswered.some((each) => each.jid === jid)) return;
    unanswered.push({ jid, name, room });
    if (unanswered.length === 1) showFirst(_converse);
}

/** @param {Converse.Private} _converse */
export function receiveInvitations(_converse) {
    const { api } = _converse;
    const listen = () =>
        api.connection.get().addHandler(
            (message) => {
                take(_converse, message);
                return true;
            },
            CONFERENCE,
            'message',
        );
    // One that was opened from elsewhere is answered. The line of another is left as it is: it may have the focus.
    const look = () => unanswered.length > 0 && !isInvitable(_converse, unanswered[0].jid) && showFirst(_converse);
    api.listen.on('chatBoxesInitialized', () => _converse.state.chatboxes.on('add', look));
    api.listen.on('connected', listen);
    api.listen.on('reconnected', listen);
}
