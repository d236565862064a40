// Who was put out of a room, and opens it again, asks to be let in again.
// Converse would only show once more that they are out.

/** Whether a room is known, and the person is told why they are not in it. @param {Converse.Room | null | undefined} room */
export function isOut(room) {
    const { DISCONNECTED, BANNED } = window.converse.ROOMSTATUS;
    return [DISCONNECTED, BANNED].includes(room?.session?.get('connection_status')) && Boolean(room?.session.get('disconnection_message'));
}

/** @param {Converse.Private} _converse */
export function comeBackToRooms(_converse) {
    const { api } = _converse;
    const open = api.rooms.open;

    // Patch: rejoin
    api.rooms.open = async (jids, ...rest) => {
        const before = typeof jids === 'string' ? await api.rooms.get(jids) : null;
        const out = isOut(before);
        const room = await open(jids, ...rest);
        if (out) {
            room.session.save({ disconnection_message: null, disconnection_reason: null, disconnection_actor: null });
            await room.rejoin();
        }
        return room;
    };
}
