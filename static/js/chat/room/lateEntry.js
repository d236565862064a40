// Rooms are entered when somebody opens them; until then they are followed (list/follow.js,
// docs/decisions/0014). Converse enters every room that was ever opened in this browser when a stream
// begins; here those that are not in sight wait until they are. Of some rooms the server does not tell,
// such as those that keep nothing of what is said: these are entered as before.

import { isOut } from './rejoin.js';

/** Rooms that are entered although nobody looks: something is to be sent there. */
const wanted = new WeakSet();

let waits = false; // rooms wait here

/** Whether a room that this browser knows is followed, and not entered. */
export const isFollowed = (box) => waits && box.get('type') === 'chatroom' && box.get('hidden') && !wanted.has(box) && !isEntering(box);

function isEntering(room) {
    const { ENTERED, CONNECTING, CONNECTED } = window.converse.ROOMSTATUS;
    return [ENTERED, CONNECTING, CONNECTED].includes(room.session?.get('connection_status'));
}

/** Enters a room whether somebody looks at it or not. @param {Converse.Room} room */
export async function enter(room) {
    wanted.add(room);
    await room.initialized; // it may be entered by that
    if (waits && room.session && !isEntering(room)) await room.rejoin();
}

/** @param {Converse.Private} _converse */
export function enterWhenOpened(_converse) {
    waits = true;
    const room = _converse.exports.MUC.prototype;
    const { join } = room;
    /** @type {Map<string, import('../list/entries.js').Entry> | null} the conversations that the site tells, once it has */
    let told = null;
    const isUntold = (box) => Boolean(told && !told.get(box.get('jid'))?.canFollow);
    // Patch: activity
    room.handleMessageFromMUCHost = () => {}; // what list/follow.js counts, it would set to nothing
    // When it is shown, Converse finds that it is not in it (onHiddenChange), and comes here again.
    // Patch: late-entry
    room.join = async function (...rest) {
        if (!this.get('hidden') || wanted.has(this) || isUntold(this)) await join.apply(this, rest);
    };
    document.addEventListener('foyer:conversations', ({ detail }) => {
        told = detail;
        if (!_converse.api.connection.connected()) return; // the next stream has them come to join
        for (const box of _converse.state.chatboxes?.models ?? []) if (isFollowed(box) && isUntold(box) && !isOut(box)) enter(box);
    });
}
