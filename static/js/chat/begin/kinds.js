// Whom and what one finds in the dialog that begins conversations: people, at a large site by
// asking it; and rooms, a page at a time.

import { ask } from '../search/find.js';
import { hasWords, nearestFirst } from '../search/fold.js';
import { make } from '../elements.js';
import { option } from '../dialogs/options.js';
import { isAround, knownName, pictureOf } from '../people/people.js';

/** @typedef {import('./finder.js').Kind} Kind */

const MAX_KNOWN = 50; // people that are shown before anything is typed

const name = (text) => Object.assign(make('span', 'search-name', text), { dir: 'auto' });
const line = (text) => Object.assign(make('span', 'search-text', text), { dir: 'auto' });

/** @param {import('./dialog.js').Chat} chat @returns {Kind} */
export function people({ addressOf, contacts }) {
    const row = (person) => option({ ...person, room: false }, addressOf(person.jid), name(person.name), line(person.around ? 'Around' : ''));
    const inRoster = (typed) => {
        const found = contacts()
            .filter((contact) => !contact.get('requesting') && hasWords(knownName(contact) ?? '', typed))
            .map((contact) => ({ jid: contact.get('jid'), name: knownName(contact) ?? '', picture: pictureOf(contact.vcard), around: isAround(contact.presence) }))
            .filter((person) => person.name)
            .sort((a, b) => Number(b.around) - Number(a.around) || a.name.localeCompare(b.name));
        return nearestFirst(found, typed).slice(0, MAX_KNOWN);
    };
    return {
        label: 'Find a person',
        known: (typed) => inRoster(typed).map(row),
        async find(typed, after, signal) {
            const known = inRoster(typed);
            if (!typed) return { options: known.map(row), said: known.length ? '' : 'Type a name.' };
            const { conversations } = await ask('/xmpp/find', { q: typed }, signal);
            const others = conversations.filter(({ jid, room }) => !room && !known.some((person) => person.jid === jid));
            const found = nearestFirst([...known, ...others], typed);
            return { options: found.map(row), said: found.length ? `${found.length} found.` : 'Nobody has that name.' };
        },
    };
}

/** @param {import('./dialog.js').Chat} chat @returns {Kind} */
export function rooms({ addressOf, isListed }) {
    const row = (room) => {
        const about = [room.about, room.here, room.private && 'By invitation'].filter(Boolean).join(' · ');
        return option({ ...room, room: true }, addressOf(room.jid), name(room.name), line(about), make('span', 'begin-verb', isListed(room.jid) ? 'Open' : 'Join'));
    };
    return {
        label: 'Find a room',
        async find(typed, after, signal) {
            const { rooms: found, next } = await ask('/xmpp/rooms', { q: typed, after }, signal);
            const none = typed ? 'No room has that name.' : after ? '' : 'No rooms yet. Make the first one: a place for several people to talk.';
            return { options: nearestFirst(found, typed).map(row), said: found.length ? (typed ? `${found.length} found.` : '') : none, next };
        },
    };
}
