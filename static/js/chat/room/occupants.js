// Who says something in a room. Converse knows people there by the id that the room
// gives them (XEP-0421), once it has read that this room gives one. A page that goes on
// with a stream is handed messages before that: who reacted then would be somebody
// else than in the archive, and would count twice.
//
// And of rooms of thousands it keeps no more than who is there: it makes a whole model, with
// a store of its own, for each member that a room has, looks through all of them for each, and
// puts them in order again each time, before it shows a message: two minutes for 5,000. The
// panel asks who belongs to a room when somebody wants to know (room/members.js); encryption
// does before it is used.

const OCCUPANT_ID = 'urn:xmpp:occupant-id:0';

const MEMBERS_TIMEOUT_MS = 10_000;

/** Asks who belongs to a room, and resolves when it has told. @returns {Promise<void>} */
const told = (room, ask) =>
    new Promise((resolve, reject) => {
        const done = () => {
            clearTimeout(late);
            resolve();
        };
        const late = setTimeout(() => {
            room.off('foyer:members', done);
            reject(new Error('The room does not tell who belongs to it.'));
        }, MEMBERS_TIMEOUT_MS);
        room.once('foyer:members', done);
        ask(room);
    });

/** @param {Converse.Private} _converse */
function keepOnlyPresent({ api, exports }) {
    const { prototype } = exports.MUCOccupants;
    const { fetchMembers } = prototype;
    /** Rooms whose members were told. @type {WeakSet<object>} */
    const known = new WeakSet();
    // Patch: members-fetched
    prototype.fetchMembers = async function () {
        const { chatroom } = this;
        if (!chatroom.get('omemo_active')) return;
        known.delete(chatroom);
        await fetchMembers.call(this);
        if (!chatroom.isEntered()) return; // or nothing was asked
        known.add(chatroom);
        chatroom.trigger('foyer:members');
    };
    const ask = (room) => room.occupants.fetchMembers().catch(() => {}); // as the room is entered, or something is said, they are asked for again
    api.listen.on('chatRoomInitialized', (room) => room.on('change:omemo_active', () => ask(room)));
    // Who belongs to the room reads along, there or not (XEP-0384 §5.8): a message waits until they are known. Where
    // the stream is lost no answer comes; then it is not sent, and can be tried again.
    // Patch: members-awaited
    api.listen.on('getOutgoingMessageAttributes', async (chat, attributes) => {
        if (chat.get('omemo_active') && chat.occupants && !known.has(chat)) await told(chat, ask);
        return attributes;
    });

    const room = exports.MUC.prototype;
    const { initOccupants } = room;
    // Patch: occupants-unsorted
    room.initOccupants = function () {
        initOccupants.call(this);
        this.occupants.comparator = undefined;
        this.occupants.sort = () => this.occupants;
    };
}

/**
 * This site's own server gives everybody an id in every room. Converse asks whether a room
 * does when it is entered, and again when the room changes; meanwhile it would know people by
 * their names there, oneself for good.
 * @param {Converse.Private} _converse
 */
function takeIdsAtOnce({ exports }) {
    const { prototype } = exports.MUC;
    const { initDiscoModels } = prototype;
    // Patch: ids-at-once
    prototype.initDiscoModels = function () {
        initDiscoModels.call(this);
        const { features } = this;
        const { get } = features;
        features.get = (name) => name === OCCUPANT_ID || get.call(features, name);
    };
}

/**
 * That a moderator took back what somebody said only the room says (XEP-0425 §3). This site's own server
 * lets nobody else say so.
 * @param {Converse.Private} _converse
 */
export function believeModerationOfRooms({ api }) {
    // Patch: moderated-by-rooms
    api.listen.on('parseMUCMessage', (stanza, attributes, room) => {
        if (attributes.moderated !== 'retracted' || attributes.from === room.get('jid')) return attributes;
        return { ...attributes, moderated: undefined }; // by which Converse goes
    });
}

/** @param {Converse.Private} _converse @param {import('../types.js').ChatConfig} config */
export function knowOccupants(_converse, config) {
    keepOnlyPresent(_converse);
    if (config.follow) takeIdsAtOnce(_converse);
    // Patch: occupant-ids
    _converse.api.listen.on('parseMUCMessage', (stanza, attributes, room) => {
        if (attributes.occupant_id || room.features.get('fetched')) return attributes;
        const id = [...stanza.getElementsByTagNameNS(OCCUPANT_ID, 'occupant-id')].pop()?.getAttribute('id');
        if (!id) return attributes;
        const reactions = attributes.reactions && { [id]: attributes.reactions[attributes.from] };
        return { ...attributes, occupant_id: id, ...(reactions && { reactions }) };
    });
    believeModerationOfRooms(_converse);
}
