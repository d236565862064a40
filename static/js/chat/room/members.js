// The people of a room: those who are there, then those who belong to it. Of thousands
// only the rows in sight are elements. The site tells who belongs to the room; where
// another chat server knows that, it is asked as the person (XEP-0045 §9.5).

import { around } from '../../dom.js';
import { personCard } from '../people/cards.js';
import { peopleOf } from '../search/find.js';
import { hasWords } from '../search/fold.js';
import { make, picture } from '../elements.js';
import { Rows } from '../list/rows.js';
import { byAddress, isAround, knownName, nameOf, pictureOf, SOMEBODY } from '../people/people.js';
import { Invite } from './invite.js';
import { Part } from './part.js';
import { administers, isHere, isSelf, affiliationLabel } from './affiliation.js';

const MIN_TO_FILTER = 8; // people for whom a field to find them is worth its place

/**
 * @typedef {object} Known somebody, as the site or the server tells
 * @property {string} jid
 * @property {string} name
 * @property {string} [picture]
 * @property {string} standing
 * @property {string} [nick] in the room, when it was asked
 */

/**
 * @typedef {object} Member a row
 * @property {string} jid what the row is known by
 * @property {string} [address] of the account, if it is known
 * @property {string} name
 * @property {string} [picture]
 * @property {string} standing
 * @property {string} word what they are in the room
 * @property {boolean} here
 * @property {boolean} [around] connected to the chat, as far as one is told
 * @property {boolean} self
 * @property {Converse.Occupant} [occupant]
 * @property {() => void} [want] asks for what is still to be shown, when the row comes into sight
 */

const { compare } = new Intl.Collator(undefined, { sensitivity: 'base' });
const ORDER = ['owner', 'admin', 'member', 'none'];

/** Those who are there first; then who looks after the room; then by name. */
const byRank = (a, b) => Number(b.here) - Number(a.here) || ORDER.indexOf(a.standing) - ORDER.indexOf(b.standing) || compare(a.name, b.name);

/** What a row shows, to see whether it has to be filled again. */
const shown = ({ occupant, want, ...member }) => JSON.stringify(member);

/** @param {HTMLElement} row @param {Member} member */
function fill(row, member) {
    member.want?.();
    const state = member.here ? '' : member.standing === 'outcast' ? '' : 'Not here now';
    const line = make('span', 'room-person__line', [member.word, state].filter(Boolean).join(' · '));
    const name = make('span', 'room-person__name', member.name, ...(member.self ? [make('small', '', ' (you)')] : []));
    // The button stays: who presses it just while it changes has pressed it.
    const button = /** @type {HTMLButtonElement} */ (row.firstElementChild ?? make('button', 'room-person'));
    button.type = 'button';
    button.dataset.key = member.jid;
    button.replaceChildren(picture({ ...member, room: false, around: member.here || member.around }), name, line);
    if (!button.parentElement) row.append(button);
}

export class Members extends Part {
    /** @type {Known[]} */
    known = [];
    /** @type {Member[] | null} all of them, in their order; null: to be put together */
    all = null;
    /** @type {Map<string, string>} names that are in no list, '' while they are asked for */
    names = new Map();
    banned = false; // those who are banned are shown
    asked = {}; // the answer that is waited for

    /**
     * @param {Converse.Private} _converse
     * @param {import('../types.js').ChatConfig} config
     * @param {import('./panel.js').RoomPanel} panel
     */
    constructor(_converse, config, panel) {
        super(_converse, config, panel);
        this.invitation = new Invite(config, panel);
        this.scroller = make('div', 'room-people');
        this.rows = new Rows(this.scroller, () => '', { fill, shown, lostFocus: () => panel.focus() });
        this.find = Object.assign(make('input', 'room-find'), { type: 'search', placeholder: 'Find people here', autocomplete: 'off' });
        this.find.setAttribute('aria-label', 'Find people in this room');
        this.find.addEventListener('input', () => panel.soon(0));
        this.scroller.addEventListener('click', (event) => this.#open(event));
        for (const part of [this.find, this.scroller]) part.addEventListener('keydown', (event) => this.rows.move(event, this.find));
    }

    enter() {
        this.known = [];
        this.all = null;
        this.banned = false;
        this.find.value = '';
        this.invitation.end();
        this.scroller.scrollTop = 0;
    }

    opened() {
        this.invitation.end();
        this.load();
    }

    changed() {
        this.all = null;
    }

    escape() {
        return this.invitation.escape();
    }

    /** Opens the field for whom to invite. */
    invite() {
        this.invitation.begin();
    }

    /** Asks who belongs to the room. */
    async load() {
        const { room } = this.panel;
        if (!room) return;
        const asked = (this.asked = {});
        const known = await this.#ask(room).catch((cause) => {
            console.warn('Who belongs to a room is not known.', cause); // those who are there are shown
            return /** @type {Known[]} */ ([]);
        });
        if (asked !== this.asked || room !== this.panel.room) return;
        this.known = known;
        this.all = null;
        this.panel.soon(0);
    }

    /** @returns {Promise<Known[]>} */
    async #ask(room) {
        const people = await peopleOf(room.get('jid')).catch(() => []);
        return people.length ? people : this.#askServer(room);
    }

    /** The lists that the room shows the person (XEP-0045 §9.2, §9.5). @returns {Promise<Known[]>} */
    async #askServer(room) {
        const standings = administers(room) ? ['owner', 'admin', 'member', 'outcast'] : ['owner', 'admin', 'member'];
        const lists = await Promise.all(standings.map((standing) => this._converse.api.rooms.affiliations.get(standing, room.get('jid'))));
        return lists.flatMap((list, i) => (Array.isArray(list) ? list : []).filter(({ jid }) => jid).map(({ jid }) => ({ jid, name: '', standing: standings[i] })));
    }

    /** Everybody, from what the browser sees of the room and what was told. @returns {Member[]} */
    #everybody(room) {
        const byNick = new Map(this.known.filter(({ nick }) => nick).map((known) => [known.nick, known]));
        const seen = new Set();
        const here = room.occupants.models.filter(isHere).map((occupant) => {
            const known = byNick.get(occupant.get('nick'));
            const member = this.#present(occupant, known);
            if (member.address) seen.add(member.address);
            return member;
        });
        const others = this.known.filter(({ jid, standing }) => standing !== 'none' && !seen.has(jid) && seen.add(jid)).map((known) => this.#absent(known));
        return [...here, ...others].sort(byRank);
    }

    /** @returns {Member} */
    #present(occupant, known) {
        const standing = occupant.get('affiliation') ?? 'none';
        return {
            jid: occupant.id ?? occupant.get('nick'), address: occupant.get('jid') ?? known?.jid, name: occupant.getDisplayName(),
            picture: known?.picture ?? pictureOf(occupant.vcard), standing, word: affiliationLabel(this.panel.room, standing, occupant.get('role')),
            here: true, self: isSelf(occupant), occupant,
            want: known ? undefined : () => occupant.vcard?.trigger('visibilityChanged'), // the card is fetched, if it was not yet
        };
    }

    /** @returns {Member} */
    #absent(known) {
        const contact = byAddress(this._converse, known.jid);
        const name = known.name || knownName(contact) || this.names.get(known.jid);
        return {
            jid: known.jid, address: known.jid, name: name || SOMEBODY, picture: known.picture ?? pictureOf(contact?.vcard),
            standing: known.standing, word: affiliationLabel(this.panel.room, known.standing), here: false, around: isAround(contact?.presence),
            self: known.jid === this._converse.session.get('bare_jid'),
            want: name ? undefined : () => this.#learnName(known.jid),
        };
    }

    /** Asks for a name, once. The lists may come again before it is known. @param {string} jid */
    async #learnName(jid) {
        if (this.names.has(jid)) return;
        this.names.set(jid, '');
        const name = await nameOf(this._converse, jid);
        if (name === SOMEBODY) this.names.delete(jid); // another time
        else this.names.set(jid, name);
        this.all = null;
        this.panel.soon();
    }

    /** @param {Converse.Room} room */
    render(room) {
        const { html } = window.converse.env;
        this.all ??= this.#everybody(room);
        const outcasts = this.all.filter(({ standing }) => standing === 'outcast');
        if (!outcasts.length) this.banned = false;
        const belonging = this.all.length - outcasts.length;
        return html`<div class="room-members">
            <div class="room-members__head">
                ${belonging >= MIN_TO_FILTER || this.find.value ? this.find : html`<p class="room-members__count">${belonging === 1 ? 'One person' : `${belonging} people`}</p>`}
                ${room.isEntered() ? html`<button type="button" class="room-button" aria-expanded=${String(this.invitation.open)} @click=${() => this.invitation.toggle()}>Invite</button>` : ''}
            </div>
            ${this.invitation.render(room)}
            ${outcasts.length && administers(room) ? this.#which(outcasts.length) : ''}
            ${this.scroller}
            <p class="room-panel__said" role="status">${this.#status()}</p>
        </div>`;
    }

    #which(count) {
        const { html } = window.converse.env;
        const button = (banned, label) => html`<button type="button" class="room-chip" aria-pressed=${String(this.banned === banned)} @click=${() => this.#choose(banned)}>${label}</button>`;
        return html`<div class="room-members__which" role="group" aria-label="Who is shown">${button(false, 'Members')}${button(true, `Banned (${count})`)}</div>`;
    }

    #choose(banned) {
        this.banned = banned;
        this.panel.soon(0);
    }

    #found() {
        const typed = this.find.value.trim();
        return (this.all ?? []).filter(({ standing, name }) => (standing === 'outcast') === this.banned && hasWords(name, typed));
    }

    #status() {
        const typed = this.find.value.trim();
        if (typed && !this.#found().length) return `Nobody here has “${typed}” in their name.`;
        return '';
    }

    /** Shows the rows, once the skeleton is drawn. */
    drawn() {
        this.rows.show(this.#found());
        this.invitation.drawn();
    }

    #open(event) {
        const button = around(event, '.room-person');
        if (!button || !this.panel.room) return;
        this.all ??= this.#everybody(this.panel.room); // somebody has just changed, and it is not drawn yet
        const member = this.all.find(({ jid }) => jid === button.dataset.key);
        if (member) personCard.show({ jid: member.address, name: member.name, picture: member.picture, standing: member.standing, occupant: member.occupant, room: this.panel.room, self: member.self }, button);
    }
}
