// A private message within a room (XEP-0045 §7.5), from an app that does not know whose
// account it writes to: its conversation opens beside that of the room, so that it is not
// missed. Pages write to people themselves.

/** Opens the conversation with somebody in a room whose account is not known. */
export const openPrivately = (room, occupant) => room.save({ sidebar_view: `occupant:${occupant.id}`, hidden_occupants: false });

/** @param {Converse.Private} _converse */
// Patch: private-messages
export function showPrivateMessages({ api }) {
    api.listen.on('chatRoomInitialized', (room) => {
        room.occupants.on('change:num_unread', (occupant) => occupant.get('num_unread') > 0 && openPrivately(room, occupant));
    });
}
