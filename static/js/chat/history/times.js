// When something was said. Converse takes the time at which it comes, by the browser's clock, and of what
// the archive brings the archive's: with a clock that is five minutes ahead, what comes in these five minutes
// by the archive was never asked for. Here it is the time of the message's id in this site's archive, which
// says it (RFC 9562 §5.7), however the message comes; behind another server, whose ids say nothing, and of what
// one says oneself until the archive has given it an id, what time it is by the site's clock.

import { siteTime, timeIn, timeOfUUID } from '../siteTime.js';

const MIN_ERROR_MS = 2000; // ms by which a time that is kept is wrong

/** Whether the time of a message is no browser's, as is that of what one said oneself, and what earlier releases kept. */
export const isTimed = (message, key) => Boolean(timeOfUUID(message.get(key) ?? '') || message.get('is_archived') || message.get('timed'));

/**
 * @param {Converse.Private} _converse
 * @param {import('../unread/readMarkers.js').Markers} markers
 */
// Patch: times
export function keepTimes(_converse, markers) {
    const { api, exports } = _converse;
    const timed = (attributes, id = '') => {
        const said = timeOfUUID(id);
        if (said) {
            attributes.time = said;
            siteTime.hear(Date.parse(said));
        } else if (!attributes.is_delayed && siteTime.isKnown()) Object.assign(attributes, { time: new Date(siteTime.now()).toISOString(), timed: true });
        return attributes;
    };
    api.listen.on('parseMessage', (_stanza, attributes) => timed(attributes, attributes[`stanza_id ${_converse.session.get('bare_jid')}`]));
    api.listen.on('parseMUCMessage', (_stanza, attributes, room) => timed(attributes, attributes[`stanza_id ${room.get('jid')}`]));
    // What one said oneself comes back with its id: from the room, or from the archive.
    api.listen.on('getUpdatedMessageAttributes', (message, updated, received) => {
        const box = message.collection?.chatbox;
        const key = markers.has(box) && markers.key(box); // not of what is said in private within a room
        const id = received[key];
        if (!id || message.get(key) || received.msgid !== message.get('msgid')) return updated;
        return { ...updated, [key]: id, ...(timeOfUUID(id) && { time: received.time }) };
    });
    for (const { prototype } of [exports.ChatBox, exports.MUC, exports.MUCOccupant]) {
        const { createMessage } = prototype;
        prototype.createMessage = function (attributes, options) {
            if (!attributes.received) attributes.time = timeIn(this); // of one's own, or a note of Converse's
            return createMessage.call(this, attributes, options);
        };
    }
}

/**
 * Puts right the times that an earlier release kept, so that they and what comes now stand in one order. What one said
 * between people has no id there: it is as far off as the message after it that came live.
 * @param {any[]} kept the attributes of a conversation's messages
 * @param {string} key where they have their ids
 * @returns {Map<string, string>} what was put right: from which time to which
 */
export function mendTimes(kept, key) {
    const mended = new Map();
    let off = 0;
    for (const each of [...kept].sort((a, b) => (a.time < b.time ? 1 : -1))) {
        const said = timeOfUUID(each[key] ?? '');
        const at = Date.parse(each.time);
        if (said && !each.is_archived && !each.is_delayed) off = at - Date.parse(said);
        if (Math.abs(off) < MIN_ERROR_MS || each.is_archived || !(said || each.sender === 'me')) continue;
        const time = said ?? new Date(at - off).toISOString();
        mended.set(each.time, time);
        each.time = time;
    }
    return mended;
}
