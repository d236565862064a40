// A room that was deleted while somebody is in it (XEP-0045 §10.9). Converse takes
// no notice: the room stays there, and what is said in it goes nowhere.

const USER = 'http://jabber.org/protocol/muc#user';

// Patch: room-end
async function end(_converse, presence) {
    const destroyed = presence.querySelector('x > destroy');
    const jid = presence.getAttribute('from')?.split('/')[0];
    const room = destroyed && _converse.state.chatboxes.get(jid);
    if (!room?.session) return;
    room.save({ destroyed_reason: destroyed.querySelector('reason')?.textContent });
    room.session.save({ connection_status: window.converse.ROOMSTATUS.DESTROYED });
    await _converse.api.bookmarks.set({ jid, autojoin: false }, false, { silent: true });
}

/** @param {Converse.Private} _converse */
export function noticeDeletedRooms(_converse) {
    const { api } = _converse;
    const listen = () =>
        api.connection.get().addHandler(
            (presence) => {
                end(_converse, presence);
                return true;
            },
            USER,
            'presence',
            'unavailable',
        );
    api.listen.on('connected', listen);
    api.listen.on('reconnected', listen);
}
