// A room that was deleted while somebody is in it (XEP-0045 §10.9), or since they were. Converse takes
// no notice of the one: the room stays there, and what is said in it goes nowhere. In the other
// it sees a room that is yet to be made, and makes it, for everybody and by a name that nobody gave it.
// Rooms are made by the site alone (begin/newRoom.js).

const USER = 'http://jabber.org/protocol/muc#user';

/** Rooms that are no more. Somebody who opens one again after leaving it has another model of it, and asks again. */
const ended = new WeakSet();

/** Whether a room is known to be no more. @param {Converse.Room} room */
export const isEnded = (room) => ended.has(room);

/** Somebody opens a room again: it is asked about once more. @param {Converse.Room} room */
export const forgetEnd = (room) => ended.delete(room);

/** @param {Converse.Room} room */
function end(room) {
    ended.add(room);
    room.session.save({ connection_status: window.converse.ROOMSTATUS.DESTROYED });
}

// Patch: room-end
async function hear(_converse, presence) {
    const destroyed = presence.querySelector('x > destroy');
    const jid = presence.getAttribute('from')?.split('/')[0];
    const room = destroyed && _converse.state.chatboxes.get(jid);
    if (!room?.session) return;
    room.save({ destroyed_reason: destroyed.querySelector('reason')?.textContent });
    end(room);
    await _converse.api.bookmarks.set({ jid, autojoin: false }, false, { silent: true });
}

/** Enters no room that is not there: without a name (roomEntry.js) Converse does not. @param {any} room what all rooms have */
function makeNone(room) {
    const { join, refreshDiscoInfo } = room;
    // Patch: not-made-again
    room.refreshDiscoInfo = async function (...rest) {
        const answer = await refreshDiscoInfo.apply(this, rest);
        if (answer instanceof window.converse.env.errors.ItemNotFoundError && !this.isEntered()) ended.add(this);
        return answer;
    };
    room.join = async function (...rest) {
        if (!isEnded(this)) await join.apply(this, rest);
        if (isEnded(this)) end(this);
    };
}

/** @param {Converse.Private} _converse */
export function noticeDeletedRooms(_converse) {
    const { api } = _converse;
    makeNone(_converse.exports.MUC.prototype);
    const listen = () =>
        api.connection.get().addHandler(
            (presence) => {
                hear(_converse, presence);
                return true;
            },
            USER,
            'presence',
            'unavailable',
        );
    api.listen.on('connected', listen);
    api.listen.on('reconnected', listen);
}
