// A person's card: who somebody is, and what can be done. It opens wherever a picture or
// a name stands: small and beside it where there is room, from below on a phone. People
// are shown by name and picture; Converse's own dialogs show addresses, and the words
// and ids of the protocol. It is fetched when it may be needed (cards.js).

import { closeBeside, onClosed } from '../../dom.js';
import { showModal } from '../dialogs/overlayHistory.js';
import { lastSeen } from './lastSeen.js';
import { picture } from '../elements.js';
import { byAddress, isAround } from './people.js';
import { Moderation } from '../room/moderation.js';
import { isSelf, reasonOf, affiliationLabel } from '../room/affiliation.js';

const BLOCKING = 'urn:xmpp:blocking';
const GAP_PX = 8; // px between the card and what it is of

/**
 * @typedef {object} Subject whom a card is of
 * @property {string} name
 * @property {string} [jid] of the account, if it is known
 * @property {string} [picture]
 * @property {boolean} [self]
 * @property {Converse.Room} [room] where it was opened
 * @property {Converse.Occupant} [occupant] if they are in that room now
 * @property {string} [standing] in that room
 * @property {string} [role] on the site, where that is more than a member
 * @property {Converse.Model} [said] a message there that is theirs
 *
 * @typedef {object} Chat what the card does elsewhere in the chat
 * @property {(jid: string) => void} open opens a conversation
 * @property {(jid: string) => string} addressOf the address of one
 * @property {(room: Converse.Room, occupant: Converse.Occupant) => void} writePrivately
 * @property {(jid: string, name: string) => Promise<void>} block asks, and blocks
 * @property {typeof import('../room/formerMembers.js').authorOf} authorOf
 * @property {typeof import('../dialogs/questions.js').ask} ask
 * @property {() => void} peopleChanged somebody was made something in the room
 */

export class PersonCard {
    /** @type {Subject} */
    subject = { name: '' };
    /** @type {Element | null} */
    opener = null;
    /** @type {{jid: string, name: string, address: string}[]} */
    rooms = [];
    seen = '';
    /** @type {Converse.Collection<Converse.Model> | null} who is blocked */
    list = null;
    mayBlock = false;
    learnt = false; // whose account it is, if that can be told
    unfollow = () => {}; // what an open card follows

    /**
     * @param {Converse.Private} _converse
     * @param {import('../types.js').ChatConfig} config
     * @param {Chat} chat
     */
    constructor(_converse, config, chat) {
        this._converse = _converse;
        this.config = config;
        this.chat = chat;
        this.dialog = Object.assign(document.createElement('dialog'), { id: 'person-card', className: 'person-card' });
        document.body.append(this.dialog);
        closeBeside(this.dialog);
        onClosed(this.dialog, () => {
            this.opener = null;
            this.unfollow();
        });
        window.addEventListener('resize', () => this.dialog.open && this.#place());
    }

    /** @param {Subject} subject @param {Element | null} opener what it is beside */
    show(subject, opener) {
        Object.assign(this, { subject, opener, rooms: [], seen: '', mayBlock: false, learnt: false });
        this.draw();
        this.#follow(subject.room);
        if (!this.dialog.open) showModal(this.dialog);
        this.#place();
        this.#learn(subject);
    }

    /** An open card says what is true now: people come, go and are made something while it stands. @param {Converse.Room} [room] */
    #follow(room) {
        this.unfollow();
        /** @type {(() => void)[]} */
        const ends = [];
        const follow = (models, events, changed) => {
            models?.on(events, changed);
            ends.push(() => models?.off(events, changed));
        };
        follow(this._converse.state.presences, 'change', (presence) => presence.get('jid') === this.subject.jid && this.#redraw());
        follow(this.list, 'add remove reset', this.#redraw);
        follow(room?.occupants, 'add remove change', this.#changed);
        follow(room?.features, 'change', this.#redraw); // what may be done depends on the room
        follow(room?.session, 'change:connection_status', this.#redraw); // and is done only from within
        this.unfollow = () => ends.forEach((end) => end());
    }

    /** @param {Converse.Occupant} occupant who came, went or changed */
    #changed = (occupant) => {
        const { subject } = this;
        if (isSelf(occupant)) this.#redraw(); // what one may do
        if (occupant !== subject.occupant && (!subject.jid || occupant.get('jid') !== subject.jid)) return;
        subject.occupant = subject.room?.occupants.models.includes(occupant) ? occupant : undefined;
        if (subject.occupant) subject.standing = occupant.get('affiliation') ?? subject.standing;
        this.#redraw();
    };

    /** What is not known at once. @param {Subject} subject */
    async #learn(subject) {
        const isKnown = subject.jid && (subject.standing || !subject.room); // who has left the room is known by their message alone
        const found = isKnown || subject.self ? null : await this.#account(subject);
        if (this.subject !== subject) return;
        this.learnt = true;
        if (found) Object.assign(subject, { jid: found.jid, picture: subject.picture ?? found.picture, standing: subject.standing ?? found.standing });
        if (!subject.jid || subject.self) return this.#redraw();
        this.#redraw();
        for (const learning of [this.#learnRooms(subject), this.#learnSeen(subject), this.#learnBlocked(subject)]) learning.then(() => this.subject === subject && this.#redraw()); // one may take long, or never end
    }

    /** Whose account somebody in a room is, if the site tells. @param {Subject} subject */
    async #account({ room, occupant, name, said }) {
        if (!room) return null;
        if (!occupant && said) return this.chat.authorOf(room, said, true);
        const nick = occupant?.get('nick') ?? name;
        const { people = [] } = await json(`/xmpp/rooms/${encodeURIComponent(room.get('jid').split('@')[0])}/people?${new URLSearchParams({ nick })}`);
        return people[0] ?? null;
    }

    async #learnRooms(subject) {
        const [user, domain] = subject.jid.split('@');
        if (domain !== this.config.domain) return;
        const card = await json(`/xmpp/people/${encodeURIComponent(user)}`);
        if (this.subject !== subject) return;
        this.rooms = card.rooms ?? [];
        subject.role = card.role;
        subject.picture ??= card.picture;
    }

    async #learnSeen(subject) {
        const around = isAround(byAddress(this._converse, subject.jid)?.presence) || Boolean(subject.occupant);
        const seen = around ? '' : await lastSeen(this._converse.api, subject.jid);
        if (this.subject === subject) this.seen = seen;
    }

    async #learnBlocked(subject) {
        const { api } = this._converse;
        const may = await api.disco.supports(BLOCKING, this.config.domain).catch(() => false);
        const list = may ? await api.blocklist.get() : null;
        if (this.subject !== subject || !this.dialog.open) return; // a card that was closed meanwhile follows nothing
        this.mayBlock = Boolean(may);
        this.list = list;
        this.#follow(subject.room);
    }

    get #blocked() {
        return Boolean(this.list?.get(this.subject.jid ?? ''));
    }

    #redraw = () => {
        if (!this.dialog.open) return;
        this.draw();
        this.#place();
    };

    get #state() {
        const { jid, occupant, self } = this.subject;
        if (self) return '';
        if (this.#blocked) return 'Blocked';
        if (occupant?.get('presence') === 'online' || isAround(jid && byAddress(this._converse, jid)?.presence)) return 'Around';
        return this.seen || (jid ? 'Away' : '');
    }

    draw() {
        const { html, render } = window.converse.env;
        const { subject, rooms } = this;
        const { name, self, room, occupant, standing, role } = subject;
        const word = room && (occupant || standing) ? affiliationLabel(room, occupant?.get('affiliation') ?? standing, occupant?.get('role')) : '';
        const roles = new Set([...(occupant?.get('hats') ?? []).map(({ title }) => title), role]);
        this.dialog.setAttribute('aria-label', self ? 'You' : name);
        render(html`
            <button type="button" class="person-card__close" aria-label="Close" @click=${() => this.dialog.close()}></button>
            <div class="person-card__who">
                ${picture({ name, picture: subject.picture, room: false, around: this.#state === 'Around' })}
                <div><h2>${name}${self ? html`<small> (you)</small>` : ''}</h2><p>${[word, ...roles, this.#state].filter(Boolean).join(' · ')}</p></div>
            </div>
            <div class="person-card__actions">${self ? html`<a class="room-button room-button--main" href="/settings" @click=${() => this.dialog.close()}>Your settings</a>` : this.#actions()}</div>
            ${rooms.length && !self ? html`<section><h3>Rooms you share</h3><ul class="person-card__rooms" role="list">
                ${rooms.map((shared) => html`<li><a href=${shared.address} data-turbo="false" @click=${(event) => this.#go(event, shared.jid)}># ${shared.name}</a></li>`)}
            </ul></section>` : ''}
            ${self ? '' : this.#moderation()}`, this.dialog);
    }

    #actions() {
        const { html } = window.converse.env;
        const { jid, room, occupant } = this.subject;
        if (!jid && room && occupant && this.learnt) return html`<button type="button" class="room-button room-button--main" @click=${() => this.#writePrivately(room, occupant)}>Message</button>`;
        if (!jid) return '';
        if (this.#blocked) return html`<button type="button" class="room-button room-button--main" @click=${() => this.#block()}>Unblock</button>`;
        return html`
            <a class="room-button room-button--main" href=${this.chat.addressOf(jid)} data-turbo="false" @click=${(event) => this.#go(event, jid)}>Message</a>
            ${this.mayBlock ? html`<button type="button" class="room-button room-button--destroys" @click=${() => this.#block()}>Block</button>` : ''}`;
    }

    /** What those who look after the room may do with somebody there. */
    #moderation() {
        const { html } = window.converse.env;
        const { room, occupant, standing } = this.subject;
        if (!room || (!occupant && !standing)) return '';
        const verbs = new Moderation(room, this.subject).verbs;
        if (!verbs.length) return '';
        return html`<section><h3>In this room</h3><div class="person-card__verbs">
            ${verbs.map((verb) => html`<button type="button" class="person-card__verb ${verb.destroys ? 'person-card__verb--destroys' : ''}" @click=${() => this.#do(verb)}>${verb.label}</button>`)}
        </div></section>`;
    }

    /** @param {import('../room/moderation.js').Verb} verb */
    async #do(verb) {
        const { api } = this._converse;
        this.dialog.close();
        if (verb.question && !(await this.chat.ask(api, { title: verb.question, text: verb.text ?? '', verb: verb.label, destroys: verb.destroys }))) return;
        try {
            await verb.act();
        } catch (refusal) {
            api.alert('error', 'That did not work', [reasonOf(refusal)]);
        }
        this.chat.peopleChanged();
    }

    async #block() {
        const { subject, _converse, chat } = this;
        this.dialog.close();
        if (this.#blocked) await _converse.api.blocklist.remove(subject.jid);
        else await chat.block(subject.jid, subject.name);
    }

    #writePrivately(room, occupant) {
        this.dialog.close();
        this.chat.writePrivately(room, occupant);
    }

    #go(event, jid) {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        this.dialog.close();
        this.chat.open(jid);
    }

    /** Beside what it is of, wholly within the window; a style sheet puts it below on a phone. */
    #place() {
        const { dialog, opener } = this;
        const of = opener?.isConnected ? opener.getBoundingClientRect() : null;
        const { offsetWidth: width, offsetHeight: height } = dialog;
        const at = (start, size, most) => `${Math.max(GAP_PX, Math.min(start, most - size - GAP_PX))}px`;
        const beside = of ? (of.right + GAP_PX + width < innerWidth ? of.right + GAP_PX : of.left - GAP_PX - width) : (innerWidth - width) / 2;
        dialog.style.setProperty('--left', at(beside < GAP_PX && of ? of.left : beside, width, innerWidth));
        dialog.style.setProperty('--top', at(of ? (beside < GAP_PX ? of.bottom + GAP_PX : of.top) : (innerHeight - height) / 2, height, innerHeight));
    }
}

async function json(path) {
    const answer = await fetch(path, { headers: { Accept: 'application/json' }, cache: 'no-store' }).catch(() => null);
    return answer?.ok ? answer.json() : {};
}
