// Who was put out of a room, and opens it again, asks to be let in again.
// Converse would only show once more that they are out; and it would have them back there
// unasked, when they look at another tab and return, or when a stream begins.

import { forgetEnd } from './roomEnd.js';

/** Whether a room is known, and the person is told why they are not in it. @param {Converse.Room | null | undefined} room */
export function hasDisconnectReason(room) {
    const { DISCONNECTED, BANNED } = window.converse.ROOMSTATUS;
    return [DISCONNECTED, BANNED].includes(room?.session?.get('connection_status')) && Boolean(room?.session.get('disconnection_message'));
}

const REMOVAL_CODES = ['301', '307', '321', '322']; // XEP-0045 §15.6.2: by somebody, and not because the service ends

/** Rooms that the person was put out of, and is not in again. */
const removedFrom = new WeakSet();

/** Whether somebody put the person out of a room. @param {any} room */
export const wasRemoved = (room) => removedFrom.has(room);

/** Who was put out stays out until they ask. @param {Converse.Private} _converse */
function preventAutoRejoin({ api, exports }) {
    const room = exports.MUC.prototype;
    const { handleDisconnection, rejoinIfNecessary, onReconnection } = room;
    // Patch: stays-out
    room.handleDisconnection = function (presence) {
        if (presence.codes.some((code) => REMOVAL_CODES.includes(code))) removedFrom.add(this);
        handleDisconnection.call(this, presence);
    };
    room.rejoinIfNecessary = async function () {
        return !wasRemoved(this) && rejoinIfNecessary.call(this);
    };
    room.onReconnection = async function () {
        if (!wasRemoved(this)) await onReconnection.call(this);
    };
    api.listen.on('enteredNewRoom', (entered) => removedFrom.delete(entered));
}

/** @param {Converse.Private} _converse */
export function allowRejoin(_converse) {
    const { api } = _converse;
    const open = api.rooms.open;
    preventAutoRejoin(_converse);

    // Patch: rejoin
    api.rooms.open = async (jids, ...rest) => {
        const before = typeof jids === 'string' ? await api.rooms.get(jids) : null;
        const out = hasDisconnectReason(before) || (before && forgetEnd(before));
        const room = await open(jids, ...rest);
        if (out) {
            room.session.save({ disconnection_message: null, disconnection_reason: null, disconnection_actor: null });
            await room.rejoin();
        }
        return room;
    };
}
