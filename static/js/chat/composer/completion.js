// Names after an @ and emoji after a colon, offered while they are typed.

import { fold } from '../fold.js';

const MOST = 8; // that are offered

/** Names of the people in a room that begin so, or one of whose words does. */
function namesLike(chat, typed) {
    const own = chat.get('nick');
    const start = fold(typed);
    const names = (chat.getAllKnownNicknames?.() ?? []).filter((name) => name !== own);
    if (names.some((name) => fold(name) === start.trimEnd())) return []; // it is complete
    return names
        .filter((name) => fold(name).startsWith(start) || (start && fold(name).split(/\s+/).some((word) => word.startsWith(start))))
        .map((name) => ({ label: name, sign: '', text: `@${name} ` }));
}

const character = (codes) => String.fromCodePoint(...codes.split('-').map((code) => Number.parseInt(code, 16)));

/** Emoji by their short names: those that begin so, then those that have it within. */
async function emojiLike(api, typed) {
    await api.emojis.initialize();
    const name = typed.toLowerCase();
    const found = window.converse.emojis.list.filter(({ sn, cp }) => cp && sn.includes(name));
    const begins = ({ sn }) => (sn.startsWith(`:${name}`) ? 0 : 1);
    return found
        .sort((a, b) => begins(a) - begins(b) || a.sn.length - b.sn.length)
        .map(({ sn, cp }) => ({ label: sn.replaceAll(':', '').replaceAll('_', ' '), sign: character(cp), text: `${character(cp)} ` }));
}

/** A list of what may be meant, above the field in which it is typed. */
export class Completion {
    /** @type {{label: string, sign: string, text: string}[]} */
    #offers = [];
    #chosen = 0;
    #from = 0; // where what is completed begins
    #asked = 0;

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

    /** Looks at what stands before the caret. */
    async look() {
        const asked = ++this.#asked;
        const { selectionStart, selectionEnd, value } = this.textarea;
        const before = selectionStart === selectionEnd ? value.slice(0, selectionEnd) : '';
        const [, name] = /(?:^|\s)@([^\n@]{0,40})$/.exec(before) ?? [];
        const [, emoji] = /(?:^|\s):([\w+-]{2,30})$/.exec(before) ?? [];
        const names = name === undefined ? [] : namesLike(this.chat, name);
        const offers = names.length || emoji === undefined ? names : await emojiLike(this.api, emoji);
        if (asked !== this.#asked) return; // something else is typed by now
        this.#from = before.length - ((names.length ? name : emoji) ?? '').length - 1;
        this.#show(offers.slice(0, MOST));
    }

    close() {
        this.#asked++;
        this.#show([]);
    }

    /** @param {KeyboardEvent} event @returns {boolean} whether the key was for the list */
    onKey(event) {
        const { key } = event;
        if (!this.#offers.length || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return false;
        if (key === 'ArrowDown' || key === 'ArrowUp') this.#choose(this.#chosen + (key === 'ArrowDown' ? 1 : -1));
        else if (key === 'Enter' || key === 'Tab') this.#take(this.#chosen);
        else if (key === 'Escape') this.close();
        else return false;
        event.preventDefault();
        event.stopPropagation();
        return true;
    }

    #show(offers) {
        this.#offers = offers;
        this.list.hidden = offers.length === 0;
        this.list.replaceChildren(...offers.map(({ label, sign }, i) => {
            const option = Object.assign(document.createElement('li'), { id: `${this.list.id}-${i}` });
            option.setAttribute('role', 'option');
            if (sign) option.append(Object.assign(document.createElement('span'), { className: 'completion-sign', textContent: sign }));
            option.append(label);
            return option;
        }));
        this.#choose(0);
    }

    #choose(index) {
        const { length } = this.#offers;
        this.#chosen = length ? (index + length) % length : 0;
        [...this.list.children].forEach((option, i) => option.setAttribute('aria-selected', String(i === this.#chosen)));
        if (length) this.textarea.setAttribute('aria-activedescendant', `${this.list.id}-${this.#chosen}`);
        else this.textarea.removeAttribute('aria-activedescendant');
    }

    #take(index) {
        const { text } = this.#offers[index];
        this.textarea.setRangeText(text, this.#from, this.textarea.selectionEnd, 'end');
        this.close();
        this.textarea.dispatchEvent(new Event('input', { bubbles: true }));
    }
}
