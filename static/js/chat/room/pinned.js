// The pinned messages of a room: who said what when, and who pinned it. Each leads to its
// place in the conversation.

import { lineText } from '../list/row.js';
import { longTime, shortTime } from '../list/time.js';
import { goesBy } from '../messages/versions.js';
import { Part } from './part.js';
import { mayPin, pinsOf, setPinned } from './pins.js';

export class Pinned extends Part {
    /** @param {Converse.Room} room */
    render(room) {
        const { html } = window.converse.env;
        const pins = pinsOf(room);
        return html`
            <ul class="room-pins" role="list">${pins.map((pin) => html`<li>
                <button type="button" class="room-pins__message" @click=${() => this.show(room, this.#at(room, pin))}>
                    <span class="room-pins__head"><span class="room-pins__who"><bdi>${pin.line.by}</bdi></span> <time datetime=${pin.line.at} title=${longTime(pin.line.at)}>${shortTime(pin.line.at)}</time></span>
                    <span class="room-pins__text">${this.#words(room, pin)}</span>
                    <small>Pinned by <bdi>${pin.by}</bdi></small>
                </button>
                ${mayPin(room) ? html`<button type="button" class="room-pins__unpin" aria-label=${`Unpin what ${pin.line.by} said`} @click=${() => this.#unpin(room, pin)}>Unpin</button>` : ''}
            </li>`)}</ul>
            <p class="room-panel__said" role="status">${pins.length ? '' : this.#empty(room)}</p>`;
    }

    #empty(room) {
        return mayPin(room) ? 'Nothing is pinned yet. Pin a message from its menu, and everybody will find it here.' : 'Nothing is pinned yet. What moderators pin appears here.';
    }

    /** What it says; what is encrypted, only the browser knows. */
    #words(room, pin) {
        return (pin.line.kind === 'encrypted' && this.#message(room, pin)?.get('plaintext')) || lineText(pin.line);
    }

    /** The message, if the browser has it. */
    #message(room, { id, version }) {
        const key = `stanza_id ${room.get('jid')}`;
        return room.messages.models.find((message) => goesBy(message, key, id) || goesBy(message, key, version));
    }

    /** Its place in the conversation: where it was said first, if the browser has it. */
    #at(room, pin) {
        return this.#message(room, pin)?.get(`stanza_id ${room.get('jid')}`) ?? pin.id;
    }

    async #unpin(room, { id }) {
        await setPinned(this._converse.api, room, id, false);
    }
}
