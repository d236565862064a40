// A field that keeps the focus, and below it options, among which the arrow keys choose
// (WAI-ARIA, the pattern "combobox" with a list).

import { isComposing } from '../../dom.js';
import { longTime, shortTime } from '../list/time.js';
import { make, picture } from '../list/row.js';

export class Options {
    /**
     * @param {HTMLInputElement} field
     * @param {HTMLElement} list
     */
    constructor(field, list) {
        this.field = field;
        this.list = list;
        this.id = `${field.id}-chosen`;
        field.addEventListener('keydown', (event) => this.#onKey(event));
    }

    all() {
        return /** @type {HTMLElement[]} */ ([...this.list.querySelectorAll('[role="option"]')]);
    }

    chosen() {
        return /** @type {HTMLElement|null} */ (this.list.querySelector('[aria-selected="true"]'));
    }

    /** @param {HTMLElement} [next] */
    choose(next) {
        this.chosen()?.setAttribute('aria-selected', 'false');
        this.list.querySelector(`#${this.id}`)?.removeAttribute('id');
        this.field.setAttribute('aria-activedescendant', next ? this.id : '');
        if (!next) return;
        next.id = this.id;
        next.setAttribute('aria-selected', 'true');
        next.scrollIntoView({ block: 'nearest' });
    }

    /** @param {KeyboardEvent} event */
    #onKey(event) {
        const all = this.all();
        const at = all.indexOf(/** @type {HTMLElement} */ (this.chosen()));
        if (event.key === 'ArrowDown') this.choose(all[Math.min(at + 1, all.length - 1)]);
        else if (event.key === 'ArrowUp') this.choose(all[Math.max(at - 1, 0)]);
        else if (event.key === 'Enter' && !isComposing(event)) this.chosen()?.click();
        else return;
        event.preventDefault();
    }
}

/**
 * One thing that was found.
 * @param {{jid: string, name: string, picture?: string, room: boolean, around?: boolean}} entry
 * @param {string} address
 * @param {...(Element|string)} content
 */
export function option(entry, address, ...content) {
    const link = /** @type {HTMLAnchorElement} */ (make('a', 'search-option', picture(entry), ...content));
    link.href = address;
    link.tabIndex = -1;
    link.setAttribute('role', 'option');
    link.setAttribute('aria-selected', 'false');
    link.dataset.jid = entry.jid;
    return link;
}

/** A text with its marks. @param {string} text @param {[number, number][]} [marks] */
export function marked(text, marks = []) {
    const parts = [];
    let at = 0;
    for (const [from, to] of marks) {
        parts.push(text.slice(at, from), make('mark', '', text.slice(from, to)));
        at = to;
    }
    return [...parts, text.slice(at)];
}

/** When something was said. @param {string} at @param {string} className */
export function timeOf(at, className) {
    const time = make('time', className, shortTime(at));
    time.setAttribute('datetime', at);
    time.title = longTime(at);
    return time;
}
