// What those who look after a room may do with others there (XEP-0045 §8, §9).

import { administers, isOwner, ownAffiliation, rank } from './affiliation.js';

/**
 * @typedef {object} Verb
 * @property {string} label of its button
 * @property {() => Promise<unknown>} act
 * @property {string} [question] asked before what hurts
 * @property {string} [text] what comes of it
 * @property {boolean} [destroys]
 */

/** What one may do with somebody else in a room. */
export class Moderation {
    /**
     * @param {Converse.Room} room
     * @param {object} person
     * @param {string} person.name
     * @param {string} [person.jid]
     * @param {string} [person.standing]
     * @param {Converse.Occupant} [person.occupant] if they are there now
     */
    constructor(room, { name, jid, standing, occupant }) {
        this.room = room;
        this.name = name;
        this.jid = jid;
        this.occupant = occupant;
        this.standing = occupant?.get('affiliation') ?? standing ?? 'none';
    }

    /** Whether one stands above them: nobody does anything to those above, and owners to anybody. */
    get #above() {
        const own = ownAffiliation(this.room);
        return own === 'owner' || rank(own) < rank(this.standing);
    }

    /** @returns {Verb[]} */
    get verbs() {
        if (!this.room.isEntered() || !this.#above) return [];
        return [...this.#voice(), ...this.#standings(), ...this.#out()];
    }

    /** In a moderated room: whether they may write (§8.3, §8.4). */
    #voice() {
        const role = this.occupant?.get('role');
        if (!this.#moderates || !this.room.features.get('moderated') || role === 'moderator') return [];
        if (role === 'visitor') return [{ label: 'Let them write', act: () => this.#setRole('participant') }];
        return [{ label: 'Stop them from writing', act: () => this.#setRole('visitor') }];
    }

    get #moderates() {
        const own = this.room.getOwnOccupant()?.get('role');
        return own === 'moderator' && ['participant', 'visitor', 'moderator'].includes(this.occupant?.get('role'));
    }

    /** What they belong to the room as (§9.3, §9.6, §10.3, §10.6). @returns {Verb[]} */
    #standings() {
        if (!this.jid || !administers(this.room)) return [];
        if (this.standing === 'outcast') return [{ label: 'Unban', act: () => this.#setStanding('none') }];
        const { name } = this;
        /** @type {(Verb & {to: string})[]} */
        const all = [
            { to: 'member', label: 'Make member', act: () => this.#setStanding('member') },
            { to: 'admin', label: 'Make moderator', act: () => this.#setStanding('admin') },
            {
                to: 'owner', label: 'Make owner', act: () => this.#setStanding('owner'), question: `Make ${name} an owner?`,
                text: 'Owners can change the settings, choose moderators, and delete the room.',
            },
        ];
        const verbs = all.filter(({ to }) => to !== this.standing && (isOwner(this.room) || rank(to) > rank('admin')));
        if (this.standing !== 'member') return verbs;
        const closed = this.room.features.get('membersonly');
        return [...verbs, {
            label: 'Remove membership', act: () => this.#setStanding('none'),
            question: `Remove ${name}’s membership?`, destroys: true,
            text: closed ? 'They have to leave, and can come back only if they are invited again.' : 'They can still come and talk, like any guest.',
        }];
    }

    /** Putting them out, for now (§8.2) or for good (§9.1). @returns {Verb[]} */
    #out() {
        const { name } = this;
        /** @type {Verb[]} */
        const verbs = [];
        if (this.#moderates) {
            verbs.push({
                label: 'Remove from the room', act: () => this.#setRole('none'), question: `Remove ${name} from the room?`, destroys: true,
                text: 'They have to leave at once, but can come back at any time.',
            });
        }
        if (this.jid && administers(this.room) && this.standing !== 'outcast') {
            verbs.push({
                label: 'Ban', act: () => this.#setStanding('outcast'), question: `Ban ${name} from the room?`, destroys: true,
                text: 'They have to leave at once, and cannot come back until somebody unbans them.',
            });
        }
        return verbs;
    }

    #setRole(role) {
        return new Promise((resolve, reject) => this.room.setRole(/** @type {Converse.Occupant} */ (this.occupant), role, '', resolve, reject));
    }

    #setStanding(standing) {
        return window.converse.env.u.muc.setAffiliation(standing, this.room.get('jid'), [{ jid: /** @type {string} */ (this.jid), reason: '' }]);
    }
}
