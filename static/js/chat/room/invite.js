// Whom to invite into a room: found by name as one types.

import { isComposing } from '../../dom.js';
import { picture } from '../elements.js';
import { ask } from '../search/find.js';
import { invite } from './actions.js';
import { SEARCH_DEBOUNCE_MS } from '../../debounce.js';

export class Invite {
    open = false;
    /** @type {{jid: string, name: string, picture?: string}[]} */
    found = [];
    /** @type {Map<string, string>} what became of an invitation, by address */
    done = new Map();
    typed = '';
    said = ''; // below those who were found
    wantsFocus = false;
    asked = new AbortController();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    typing;

    /**
     * @param {import('../types.js').ChatConfig} config
     * @param {import('./panel.js').RoomPanel} panel
     */
    constructor(config, panel) {
        this.config = config;
        this.panel = panel;
    }

    begin() {
        this.open = true;
        this.wantsFocus = true;
        this.panel.soon(0);
    }

    end() {
        this.open = false;
        this.found = [];
        this.typed = '';
        this.said = '';
        this.done = new Map(); // what is answered late is not of the next room
        clearTimeout(this.typing);
        this.asked.abort();
    }

    toggle() {
        if (!this.open) return this.begin();
        this.end();
        this.panel.soon(0);
    }

    /** Escape closes it first. */
    escape() {
        if (!this.open) return false;
        this.toggle();
        /** @type {HTMLElement | null} */ (this.panel.element.querySelector('.room-members__head .room-button'))?.focus();
        return true;
    }

    drawn() {
        if (!this.wantsFocus) return;
        this.wantsFocus = false;
        /** @type {HTMLElement | null} */ (this.panel.element.querySelector('.room-invite input'))?.focus();
    }

    /** @param {Converse.Room} room */
    render(room) {
        const { html } = window.converse.env;
        if (!this.open) return '';
        return html`<div class="room-invite">
            <label>Invite<input type="search" placeholder="Name" autocomplete="off" .value=${this.typed} @input=${(event) => this.#type(event.target.value)} @keydown=${(event) => event.key === 'Enter' && !isComposing(event) && this.#choose(room)}></label>
            <ul role="list">${this.found.map((person) => html`<li>
                ${picture({ ...person, room: false })}<span>${person.name}</span>
                ${this.done.has(person.jid) ? html`<span role="status">${this.done.get(person.jid)}</span>`
                    : html`<button type="button" class="room-button" aria-label="Invite ${person.name}" @click=${() => this.#invite(room, person.jid)}>Invite</button>`}
            </li>`)}</ul>
            <p class="room-panel__said" role="status">${this.said}</p>
        </div>`;
    }

    #type(typed) {
        this.typed = typed;
        clearTimeout(this.typing);
        this.asked.abort();
        this.typing = setTimeout(() => this.#find(), SEARCH_DEBOUNCE_MS);
    }

    /** Resolves with whether that is still what is looked for. */
    async #find() {
        this.asked.abort();
        const { signal } = (this.asked = new AbortController());
        try {
            const { conversations } = await ask('/xmpp/find', { q: this.typed.trim() }, signal);
            this.#tell(conversations.filter(({ room }) => !room));
        } catch (cause) {
            if (!signal.aborted) this.#tell([], 'People could not be searched. Please try again in a moment.');
        }
        return !signal.aborted;
    }

    /** Enter invites the only one who has what is typed, however soon it is pressed. */
    async #choose(room) {
        clearTimeout(this.typing);
        const isLatest = await this.#find();
        const [person, another] = this.found;
        if (isLatest && person && !another) this.#invite(room, person.jid);
    }

    #tell(found, said = 'Nobody has that name.') {
        this.found = found;
        this.said = this.typed && !found.length ? said : '';
        this.panel.soon(0);
    }

    async #invite(room, jid) {
        const { done } = this;
        if (done.has(jid)) return; // pressed twice
        done.set(jid, '…');
        try {
            await invite(room, jid.split('@')[0]);
            done.set(jid, 'Invited');
        } catch (cause) {
            done.set(jid, /** @type {Error} */ (cause).message);
        }
        this.wantsFocus = this.panel.element.contains(document.activeElement); // the button is gone, and who has gone on meanwhile is elsewhere
        this.panel.parts.members.load();
        this.panel.soon(0);
    }
}
