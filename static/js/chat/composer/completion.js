// Names after an @ and emoji after a colon, offered while they are typed.

import { nameMembers } from './members.js';
import { suggestionsFor } from './suggestions.js';

/** A list of what may be meant, above the field in which it is typed. */
export class Completion {
    /** @type {import('./suggestions.js').Suggestion[]} */
    #suggestions = [];
    #chosen = 0;
    #from = 0; // where what is completed begins
    #asked = 0;
    #isClosed = true; // until something is typed

    /**
     * @param {HTMLTextAreaElement} textarea
     * @param {HTMLElement} list
     */
    constructor(api, chat, textarea, list) {
        this.api = api;
        this.chat = chat;
        this.textarea = textarea;
        this.list = list;
        list.addEventListener('mousedown', (event) => event.preventDefault()); // the field keeps the focus
        list.addEventListener('click', ({ target }) => {
            const option = /** @type {HTMLElement} */ (target).closest('li');
            if (option) this.#take([...list.children].indexOf(option));
        });
    }

    /** Looks at what stands before the caret. @param {boolean} [again] when more is known: what is chosen stays so */
    async look(again = false) {
        const asked = ++this.#asked;
        this.#isClosed = false;
        const { selectionStart, selectionEnd, value } = this.textarea;
        const before = selectionStart === selectionEnd ? value.slice(0, selectionEnd) : '';
        const { from, suggestions } = await suggestionsFor(this.api, this.chat, before);
        if (asked !== this.#asked) return; // something else is typed by now
        this.#from = from;
        this.#show(suggestions, again ? this.#suggestions[this.#chosen]?.text : '');
        if (value.includes('@')) nameMembers(this.chat, this.api.settings.get('muc_domain'))?.then(() => (this.#isClosed ? undefined : this.look(true)));
    }

    close() {
        this.#asked++;
        this.#isClosed = true;
        this.#show([]);
    }

    /** @param {KeyboardEvent} event @returns {boolean} whether the key was for the list */
    onKey(event) {
        const { key } = event;
        if (!this.#suggestions.length || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return false;
        if (key === 'ArrowDown' || key === 'ArrowUp') this.#choose(this.#chosen + (key === 'ArrowDown' ? 1 : -1));
        else if (key === 'Enter' || key === 'Tab') this.#take(this.#chosen);
        else if (key === 'Escape') this.close();
        else return false;
        event.preventDefault();
        event.stopPropagation();
        return true;
    }

    #show(suggestions, chosen = '') {
        this.#suggestions = suggestions;
        this.list.hidden = suggestions.length === 0;
        this.list.replaceChildren(...suggestions.map(({ label, sign }, i) => {
            const option = Object.assign(document.createElement('li'), { id: `${this.list.id}-${i}` });
            option.setAttribute('role', 'option');
            if (sign) option.append(Object.assign(document.createElement('span'), { className: 'completion-sign', textContent: sign }));
            option.append(label);
            return option;
        }));
        this.#choose(Math.max(0, suggestions.findIndex(({ text }) => text === chosen)));
    }

    #choose(index) {
        const { length } = this.#suggestions;
        this.#chosen = length ? (index + length) % length : 0;
        [...this.list.children].forEach((option, i) => option.setAttribute('aria-selected', String(i === this.#chosen)));
        if (length) this.textarea.setAttribute('aria-activedescendant', `${this.list.id}-${this.#chosen}`);
        else this.textarea.removeAttribute('aria-activedescendant');
    }

    #take(index) {
        const { text } = this.#suggestions[index];
        this.textarea.setRangeText(text, this.#from, this.textarea.selectionEnd, 'end');
        this.close();
        this.textarea.dispatchEvent(new Event('input', { bubbles: true }));
    }
}
