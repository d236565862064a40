// Who says something in a room. Converse knows people there by the id that the room
// gives them (XEP-0421), once it has read that this room gives one. A page that goes on
// with a stream is handed messages before that: who reacted then would be somebody
// else than in the archive, and would count twice.

const OCCUPANT_ID = 'urn:xmpp:occupant-id:0';

/** @param {Converse.Private} _converse */
export function knowOccupants(_converse) {
    _converse.api.listen.on('parseMUCMessage', (stanza, attributes, room) => {
        if (attributes.occupant_id || room.features.get('fetched')) return attributes;
        const id = [...stanza.getElementsByTagNameNS(OCCUPANT_ID, 'occupant-id')].pop()?.getAttribute('id');
        if (!id) return attributes;
        const reactions = attributes.reactions && { [id]: attributes.reactions[attributes.from] };
        return { ...attributes, occupant_id: id, ...(reactions && { reactions }) };
    });
}
