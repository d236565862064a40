// What a room is about: changed in place by those who may, and what everybody may do
// with it.

import { addressOf } from '../conversation.js';
import { LEVEL_NAMES, levels } from '../unread/levels.js';
import { answerTo, configure, deleteRoom } from './actions.js';
import { MAX_LENGTH } from './bounds.js';
import { beingLeft, leave } from './leave.js';
import { Part } from './part.js';
import { isOwner, reasonOf } from './affiliation.js';

/** @type {import('../unread/levels.js').Level[]} */
const LEVELS = ['all', 'mentions', 'none'];

export class About extends Part {
    editing = '';
    edits = 0; // begun or ended so far: an answer may come after the end of its own
    said = '';

    enter() {
        this.editing = '';
        this.said = '';
    }

    /** Escape ends what is being edited, first. */
    escape() {
        if (!this.editing) return false;
        this.#edit('');
        return true;
    }

    /** @param {Converse.Room} room */
    render(room) {
        const { html } = window.converse.env;
        const jid = room.get('jid');
        const closed = room.features.get('membersonly');
        return html`
            <div class="room-about">
                <div class="room-about__picture" aria-hidden="true">#</div>
                ${this.#field(room, 'name', 'Name', room.getDisplayName(), isOwner(room))}
                ${this.#field(room, 'about', 'What it is about', room.config.get('description') ?? '', isOwner(room))}
                ${this.#field(room, 'topic', 'Topic', room.get('subject')?.text ?? '', this.#maySetTopic(room))}
                <p class="room-about__who">${closed ? 'By invitation only: nobody but its members can see it.' : 'Everybody on this site can read along.'}
                    ${room.features.get('moderated') ? ' Its moderators decide who can write.' : ''}</p>
                <label class="room-row">Notifications
                    <select @change=${(event) => this.#level(jid, event.target)}>
                        ${LEVELS.map((level) => html`<option value=${level} .selected=${levels.of(jid, true) === level}>${LEVEL_NAMES[level]}</option>`)}
                    </select>
                </label>
                <button type="button" class="room-row room-row--action" @click=${() => this.#copyLink(jid)}>Copy the link to this room</button>
                <button type="button" class="room-row room-row--action" @click=${() => this.#invite()}>Invite people</button>
                <button type="button" class="room-row room-row--action" aria-busy=${String(beingLeft.has(room))} @click=${() => leave(this._converse, room)}>Leave the room</button>
                ${isOwner(room) ? html`<button type="button" class="room-row room-row--action room-row--destroys" @click=${() => deleteRoom(this._converse, room)}>Delete the room</button>` : ''}
                <p class="room-panel__said" role="status">${this.said}</p>
            </div>`;
    }

    #invite() {
        this.panel.open('members');
        this.panel.parts.members.invite();
    }

    /** The topic is for those whom the room lets set it (XEP-0045 §8.1). */
    #maySetTopic(room) {
        const role = room.getOwnOccupant()?.get('role');
        return role === 'moderator' || (role === 'participant' && String(room.config.get('changesubject')) === '1');
    }

    #field(room, name, label, value, mayChange) {
        const { html } = window.converse.env;
        if (this.editing === name) return this.#form(room, name, label, value);
        if (!value && !mayChange) return '';
        return html`<div class="room-about__field">
            <h3>${label}</h3>
            <p>${value || html`<span class="room-about__empty">Nothing yet</span>`}</p>
            ${mayChange ? html`<button type="button" data-edit=${name} aria-label="Change: ${label}" @click=${() => this.#edit(name)}>Change</button>` : ''}
        </div>`;
    }

    #form(room, name, label, value) {
        const { html } = window.converse.env;
        return html`<form class="room-about__field" @submit=${(event) => this.#save(event, room, name)}>
            <label>${label}<input name="value" value=${value} maxlength=${MAX_LENGTH[name]} ?required=${name === 'name'} autocomplete="off"></label>
            <div class="room-about__buttons">
                <button type="button" class="room-button" @click=${() => this.#edit('')}>Cancel</button>
                <button type="submit" class="room-button room-button--main">Save</button>
            </div>
        </form>`;
    }

    #edit(name) {
        const before = this.editing;
        const { element } = this.panel;
        const hadFocus = element.contains(document.activeElement);
        this.editing = name;
        this.edits++;
        this.said = '';
        this.panel.soon(0);
        if (name || hadFocus) /** @type {HTMLInputElement | null} */ (element.querySelector(name ? 'form input' : `[data-edit="${before}"]`))?.focus();
    }

    async #save(event, room, name) {
        event.preventDefault();
        const value = event.target.elements.value.value.trim();
        if (name === 'name' && !value) return;
        const { edits } = this;
        try {
            if (name === 'topic') await answerTo(room.setSubject(value));
            else await configure(this._converse, room, { [name]: value });
            if (room === this.panel.room && edits === this.edits) this.#edit('');
        } catch (refusal) {
            if (room === this.panel.room) this.#say(reasonOf(refusal));
        }
    }

    async #level(jid, select) {
        const said = await levels.choose(jid, select.value).then(() => 'Saved.', () => 'That could not be saved. Please try again in a moment.');
        if (jid !== this.panel.room?.get('jid')) return;
        select.value = levels.of(jid, true); // where it was not saved, what is chosen still: nothing else has changed, and is drawn
        this.#say(said);
    }

    async #copyLink(jid) {
        const link = new URL(addressOf(this.config, jid), location.origin).href;
        try {
            await navigator.clipboard.writeText(link);
            this.#say('The link is copied.');
        } catch {
            this.#say(link); // the browser does not allow it: it can be copied from here
        }
    }

    #say(text) {
        this.said = text;
        this.panel.soon(0);
    }
}
