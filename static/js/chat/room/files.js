// The files of a room: those that the site's search finds there, and where it does not
// search, those among the messages that the browser has.

import { fileAt } from '../messages/files.js';
import { nameOfFile } from '../list/entries.js';
import { shortTime } from '../list/time.js';
import { viewer } from '../messages/viewer.js';
import { findMessages } from '../search/find.js';
import { Part } from './part.js';

/** @typedef {{id: string, at: string, who: string, name: string, url: string}} FileFound */

const sign = (name) => (/\.(\w{1,4})$/.exec(name)?.[1] ?? 'file').toUpperCase();

export class Files extends Part {
    /** @type {FileFound[]} */
    found = [];
    next = '';
    status = '';
    asked = new AbortController(); // the answer that is waited for

    enter() {
        this.asked.abort();
        this.found = [];
        this.next = '';
        this.status = '';
    }

    opened() {
        const { room } = this.panel;
        if (!room) return;
        this.enter();
        if (this.config.search) return this.#search(room);
        this.found = this.#known(room);
        this.#tell();
    }

    /** Those in the messages that the browser has, the newest first. */
    #known(room) {
        const key = `stanza_id ${room.get('jid')}`;
        const isFile = (message) => message.get('oob_url') && message.get(key) && !message.get('retracted') && !message.get('moderated');
        return room.messages.models.filter(isFile).map((message) => ({
            id: message.get(key), at: message.get('time'), who: message.get('sender') === 'me' ? 'You' : message.getDisplayName(), name: nameOfFile(message.get('oob_url')), url: message.get('oob_url'),
        })).toReversed();
    }

    async #search(room, before = '') {
        this.asked.abort();
        const { signal } = (this.asked = new AbortController());
        const asks = { room: room.get('jid').split('@')[0], files: '1', ...(before && { before }) };
        try {
            const { messages, next = '' } = await findMessages(asks, signal);
            this.found = [...this.found, ...messages.map(({ id, at, who, mine, text, url }) => ({ id, at, who: mine ? 'You' : who, name: text || 'File', url }))];
            this.next = next;
            this.#tell();
        } catch (cause) {
            if (signal.aborted) return;
            console.warn('The files of a room were not found.', cause);
            this.status = 'The files could not be loaded. Please try again.';
            this.panel.soon(0);
        }
    }

    #tell() {
        this.status = this.found.length || this.next ? '' : 'Nobody has sent a file here yet.';
        this.panel.soon(0);
    }

    /** @param {Converse.Room} room */
    render(room) {
        const { html } = window.converse.env;
        const files = this.found.map(({ url }) => fileAt(this.config, url));
        return html`
            <ul class="room-files" role="list">${this.found.map((file, i) => html`<li>
                ${this.#picture(file.name, files, i)}
                <button type="button" @click=${() => this.show(room, file.id)}>
                    <span class="file-card__sign" aria-hidden="true">${sign(file.name)}</span>
                    <span class="room-files__about"><span class="room-files__name">${file.name}</span>
                        <small>${file.who}, <time datetime=${file.at}>${shortTime(file.at)}</time></small></span>
                </button>
            </li>`)}</ul>
            ${this.next ? html`<button type="button" class="room-button room-files__more" @click=${() => this.#search(room, this.next)}>Older files</button>` : ''}
            <p class="room-panel__said" role="status">${this.status}</p>`;
    }

    /** A picture, above its sign; a press shows it large, among the others. @param {string} name @param {any[]} files @param {number} i */
    #picture(name, files, i) {
        const { html } = window.converse.env;
        const isPicture = (file) => file?.kind === 'picture';
        return isPicture(files[i]) ? html`<button type="button" class="room-files__picture" aria-label=${`Picture: ${name}`} @click=${() => viewer.open(files.filter(isPicture), files[i].url)}>
            <img src=${files[i].shown} alt="" width="48" height="48" loading="lazy" decoding="async" @error=${({ target }) => (target.parentElement.hidden = true)}></button>` : '';
    }
}
