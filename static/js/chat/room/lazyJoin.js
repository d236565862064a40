// Rooms are entered when somebody opens them; until then they are followed (list/follow.js,
// docs/decisions/0014). Converse enters every room that was ever opened in this browser when a stream
// begins; here those that are not in sight wait until they are. Of some rooms the server does not tell,
// such as those that keep nothing of what is said: these are entered as before. One that the site told of, and
// does not any more, was left on another device or is gone: it closes here too, and nothing is told of that:
// what the site said may be old, or hold for now alone.

import { hasDisconnectReason } from './rejoin.js';
import { isRoom } from '../boxes.js';

/** Rooms that are entered although nobody looks: something is to be sent there. */
const wanted = new WeakSet();

const MAX_REPORTED_ROOMS = 500; // rooms that the site tells of; maxOwnRooms in app/conversations.go

let waits = false; // rooms wait here

/** Whether a room that this browser knows is followed, and not entered. */
export const isFollowed = (box) => waits && isRoom(box) && box.get('hidden') && !wanted.has(box) && !isEntering(box);

/** Whether it is entered, or will be in a moment, or is being left. */
function isEntering(room) {
    const { ENTERED, CONNECTING, CONNECTED, CLOSING } = window.converse.ROOMSTATUS;
    return [ENTERED, CONNECTING, CONNECTED, CLOSING].includes(room.session?.get('connection_status'));
}

/** Enters a room whether somebody looks at it or not. @param {Converse.Room} room */
export async function enter(room) {
    wanted.add(room);
    await room.initialized; // it may be entered by that
    if (waits && room.session && !isEntering(room)) await room.rejoin();
}

/** @param {Converse.Private} _converse */
export function joinWhenOpened(_converse) {
    waits = true;
    const room = _converse.exports.MUC.prototype;
    const { join } = room;
    /** @type {Map<string, import('../list/entries.js').Entry> | null} the conversations that the site tells, once it has */
    let reported = null;
    const isUnreported = (box) => Boolean(reported && !reported.get(box.get('jid'))?.canFollow);
    const isLeft = (box) => Boolean(reported && reported.size < MAX_REPORTED_ROOMS && !reported.has(box.get('jid')) && box.get('told'));
    const note = (box) => reported?.has(box.get('jid')) && !box.get('told') && box.save({ told: true });
    const close = async (box) => {
        await box.initialized;
        if (!isFollowed(box) || !isLeft(box) || hasDisconnectReason(box)) return;
        // Converse publishes what changes here by that.
        _converse.state.bookmarks?.get(box.get('jid'))?.save({ autojoin: false }, { silent: true });
        await box.close();
    };
    // Patch: activity
    room.handleMessageFromMUCHost = () => {}; // what list/follow.js counts, it would set to nothing
    // When it is shown, Converse finds that it is not in it (onHiddenChange), and comes here again.
    // Patch: late-entry
    room.join = async function (...rest) {
        if (this.get('hidden') && !wanted.has(this) && isLeft(this)) close(this); // when it is made
        else if (!this.get('hidden') || wanted.has(this) || isUnreported(this)) await join.apply(this, rest);
    };
    _converse.api.listen.on('chatRoomInitialized', note);
    document.addEventListener('foyer:conversations', ({ detail }) => {
        reported = detail;
        const boxes = _converse.state.chatboxes?.models ?? [];
        boxes.filter(isRoom).forEach(note);
        if (!_converse.api.connection.connected()) return; // the next stream has them come to join
        for (const box of boxes.filter((each) => isFollowed(each) && isUnreported(each) && !hasDisconnectReason(each))) (isLeft(box) ? close : enter)(box);
    });
}
