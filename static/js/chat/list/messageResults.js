// Messages, below the people and rooms that are found in the list: the first of them, and the
// way to all.

import { findMessages, whereSaid } from '../search/find.js';
import { marked, timeElement } from '../dialogs/options.js';
import { make, picture } from '../elements.js';

const MAX_SHOWN = 3;
const SEARCH_DELAY_MS = 250; // ms more than for names: a search for messages costs more
const MIN_LENGTH = 2; // letters

/**
 * @typedef {{jid: string, kind: 'all', words: string}} AllRow
 * @typedef {{jid: string, kind: 'message', found: import('../search/find.js').Found}} MessageRow
 */

export class MessageResults {
    /** @type {import('../search/find.js').Found[]} */
    messages = [];
    words = ''; // that they were found by
    asked = new AbortController();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    waiting;

    /** @param {() => void} draw called when there are others */
    constructor(draw) {
        this.draw = draw;
    }

    /** Looks for words, after a pause. @param {string} words */
    look(words) {
        clearTimeout(this.waiting);
        this.asked.abort();
        if ([...words].length < MIN_LENGTH) return;
        this.waiting = setTimeout(() => this.#find(words), SEARCH_DELAY_MS);
    }

    async #find(words) {
        const { signal } = (this.asked = new AbortController());
        try {
            const { messages } = await findMessages({ q: words, max: String(MAX_SHOWN) }, signal);
            Object.assign(this, { messages, words });
            this.draw();
        } catch (cause) {
            if (!signal.aborted) console.warn('No messages were looked for.', cause); // the search says why
        }
    }

    /** The rows that are shown for words. @param {string} words @returns {(AllRow | MessageRow)[]} */
    rows(words) {
        const found = words === this.words ? this.messages : [];
        return [{ jid: 'all', kind: 'all', words }, ...found.map((message) => /** @type {MessageRow} */ ({ jid: `message ${message.id}`, kind: 'message', found: message }))];
    }

    /** Fills one of them. @param {HTMLElement} row @param {AllRow | MessageRow} entry @param {string} address */
    fill(row, entry, address) {
        if (entry.kind === 'all') fillAll(row, entry);
        else fillMessage(row, entry, address);
    }
}

/** @param {HTMLElement} row @param {AllRow} entry */
function fillAll(row, { words }) {
    const button = /** @type {HTMLButtonElement} */ (row.firstElementChild ?? make('button', 'conversation-hit conversation-hit--all'));
    button.type = 'button';
    button.dataset.words = words;
    const sign = document.createElement('template');
    sign.innerHTML = '<span class="conversation-picture" aria-hidden="true"><svg class="conversation-initials" viewBox="-12 -12 48 48"><path fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" d="m20 20-4.5-4.5m2-5a7 7 0 1 1-14 0 7 7 0 0 1 14 0Z"/></svg></span>';
    button.replaceChildren(sign.content, make('span', 'conversation-name', 'Search messages'), Object.assign(make('span', 'conversation-line', `for “${words}”`), { dir: 'auto' }));
    if (!button.parentElement) row.append(button);
}

/** @param {HTMLElement} row @param {MessageRow} entry @param {string} address */
function fillMessage(row, { found }, address) {
    const link = /** @type {HTMLAnchorElement} */ (row.firstElementChild ?? make('a', 'conversation-hit'));
    link.href = address;
    link.dataset.turbo = 'false';
    Object.assign(link.dataset, { jid: found.jid, id: found.id });
    const line = make('span', 'conversation-line', ...(found.file ? [`📎 ${found.text || 'File'}`] : marked(found.text, found.marks)));
    link.replaceChildren(
        picture(found),
        Object.assign(make('span', 'conversation-name', whereSaid(found)), { dir: 'auto' }),
        timeElement(found.at, 'conversation-time'),
        Object.assign(line, { dir: 'auto' }),
    );
    if (!link.parentElement) row.append(link);
}
