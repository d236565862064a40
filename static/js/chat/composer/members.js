// Whom one can name in a room besides those who are there, or said something that is here: those
// who belong to it. Most of them follow it, and are not in it (docs/decisions/0014).

import { peopleOf } from '../search/find.js';

const MAX_AGE_MS = 10 * 60_000; // after which the site is asked again: others belong to the room by then
const RETRY_MS = 30_000; // after a failure

/** Rooms of which they are known, or asked for. @type {WeakSet<object>} */
const asked = new WeakSet();

/**
 * Adds those who belong to a room, as the site tells, to whom one can name there; resolves when they are known. Where another
 * server knows them the site tells nobody.
 * @param {any} room
 * @param {string} domain of the site's rooms
 * @returns {Promise<void> | undefined} nothing, if that is over, or under way, or it is no room
 */
export function nameMembers(room, domain) {
    if (!room.getAllKnownNicknames || room.get('jid').split('@')[1] !== domain || asked.has(room)) return undefined;
    asked.add(room);
    const forget = (after) => setTimeout(() => asked.delete(room), after);
    return peopleOf(room.get('jid')).then(
        (people) => {
            forget(MAX_AGE_MS);
            add(room, people);
        },
        () => void forget(RETRY_MS), // those who are there are offered
    );
}

/** @param {any} room @param {import('../room/members.js').Known[]} people */
function add(room, people) {
    const belong = people.filter(({ standing, nick, name }) => !['none', 'outcast'].includes(standing) && (!nick || nick === name)); // who is there under another name goes by that
    const addresses = new Map(belong.map(({ name, jid }) => [name, jid]));
    const { getAllKnownNicknames, getReferenceURIFromNickname } = Object.getPrototypeOf(room);
    // Patch: members-named
    Object.assign(room, {
        /** The longer ones first: Converse takes the first that what is typed begins with. */
        getAllKnownNicknames: () => [...new Set([...getAllKnownNicknames.call(room), ...addresses.keys()])].sort((a, b) => b.length - a.length),
        /** Who is not there has no address in the room (XEP-0372), which says of accounts who they are only if it is not anonymous. */
        getReferenceURIFromNickname: (name) =>
            room.features.get('nonanonymous') && addresses.has(name) && !room.getOccupant(name) ? encodeURI(`xmpp:${addresses.get(name)}`) : getReferenceURIFromNickname.call(room, name),
    });
}
