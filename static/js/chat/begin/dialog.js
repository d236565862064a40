// Beginning something, from the head of the list: a conversation with somebody, a room that
// there is, or a new one.

import { around, byId, closeBeside, onClosed } from '../../dom.js';
import { Finder } from './finder.js';
import { people, rooms } from './kinds.js';
import { NewRoom } from './newRoom.js';

/**
 * @typedef {'people' | 'rooms' | 'new'} PartName
 *
 * @typedef {object} Chat what the dialog has to know of the chat
 * @property {(jid: string) => void} open opens a conversation
 * @property {(jid: string) => string} addressOf the address of one
 * @property {(jid: string) => boolean} isListed whether a room is among one's conversations
 * @property {() => any[]} contacts whom one knows
 */

/** @type {[PartName, string][]} */
const TABS = [['people', 'People'], ['rooms', 'Rooms'], ['new', 'New room']];

export class Begin {
    /** @type {PartName} */
    part = 'people';

    /**
     * Takes the dialog as it is in the page, with a field in the place of its parts.
     * @param {HTMLDialogElement} dialog
     * @param {import('../types.js').ChatConfig} config
     * @param {Chat} chat
     */
    constructor(dialog, config, chat) {
        this.dialog = dialog;
        this.config = config;
        this.open = chat.open;
        this.content = byId('begin-content');
        this.typed = /** @type {HTMLInputElement} */ (this.content.querySelector('input')).value; // while this was fetched
        this.content.replaceChildren();
        this.parts = {
            people: new Finder(people(chat)),
            rooms: new Finder(rooms(chat)),
            new: new NewRoom((jid) => {
                this.#go(jid);
                document.dispatchEvent(new CustomEvent('foyer:rooms'));
            }),
        };
        this.#listen();
    }

    #listen() {
        closeBeside(this.dialog);
        onClosed(this.dialog, () => {
            this.parts[this.part].end();
            window.converse.env.render('', this.content);
        });
        this.dialog.addEventListener('click', (event) => {
            const link = around(event, '.search-option');
            if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
            event.preventDefault();
            this.#go(link.dataset.jid ?? '');
        });
    }

    /** Begins with a part, in the dialog that is open (openers.js). @param {string} part */
    show(part) {
        this.#choose(part === 'rooms' ? part : 'people', this.typed);
        this.typed = '';
    }

    #go(jid) {
        this.dialog.close();
        this.open(jid);
    }

    /** @param {PartName} part @param {string} [typed] what its field has */
    #choose(part, typed) {
        const { html, render } = window.converse.env;
        this.parts[this.part].end();
        this.part = part;
        const tab = ([name, label]) => html`<button type="button" role="tab" id="begin-tab-${name}" aria-controls="begin-part" aria-selected=${String(name === part)} tabindex=${name === part ? 0 : -1}
            @click=${() => this.#choose(name)}>${label}</button>`;
        const body = Object.assign(document.createElement('div'), { className: 'begin-part', id: 'begin-part' });
        render(html`
            ${this.config.rooms ? html`<div class="room-panel__tabs" role="tablist" aria-label="With whom, or where">${TABS.map(tab)}</div>` : ''}
            ${body}`, this.content);
        if (this.config.rooms) {
            body.setAttribute('role', 'tabpanel');
            body.setAttribute('aria-labelledby', `begin-tab-${part}`);
        }
        this.parts[part].draw(body, typed);
        this.parts[part].focus();
    }
}
