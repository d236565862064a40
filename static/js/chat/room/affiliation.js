// What people are in a room, in words (XEP-0045 §5). What those who look after it may do with
// others: moderation.js.

// What somebody belongs to a room as, from the highest.
const RANKS = ['owner', 'admin', 'member', 'none', 'outcast'];
/** @type {Record<string, string>} */
const LABELS = { owner: 'Owner', admin: 'Moderator', member: 'Member', outcast: 'Banned' };

/** How far from the highest. @param {string} [affiliation] */
export const rank = (affiliation) => RANKS.indexOf(affiliation ?? 'none');

/**
 * What somebody is in a room, in a word; nothing is said of those who are like most others there.
 * @param {Converse.Room} room
 * @param {string} [affiliation]
 * @param {string} [role] what they may do while they are there
 */
export function affiliationLabel(room, affiliation = 'none', role = '') {
    if (role === 'moderator' && rank(affiliation) > rank('admin')) return LABELS.admin;
    return LABELS[affiliation] ?? (room.features?.get('moderated') ? 'Guest' : '');
}

/** Whether somebody is in a room now, by what the browser knows of them. */
export const isHere = (occupant) => occupant.get('presence') === 'online' || occupant.get('show') === 'online';

/** Whether somebody in a room is the person themselves. */
export const isSelf = (occupant) => occupant.isSelf() || occupant === occupant.collection?.chatroom.getOwnOccupant();

/** What somebody is to a room: their own standing and role there. */
export const ownAffiliation = (room) => room.getOwnOccupant()?.get('affiliation') ?? 'none';

export const isOwner = (room) => ownAffiliation(room) === 'owner';

/** Whether somebody decides who belongs to the room (§9). */
export const administers = (room) => ['owner', 'admin'].includes(ownAffiliation(room));

/** What went wrong, in the room's words if it gave any. */
export const reasonOf = (refusal) =>
    refusal instanceof Element ? refusal.querySelector('error > text')?.textContent || 'The room did not allow that.' : 'The room did not answer. Please try again in a moment.';
