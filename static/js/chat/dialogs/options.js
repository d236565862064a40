// A field that keeps the focus, and below it options, among which the arrow keys choose
// (WAI-ARIA, the pattern "combobox" with a list).

import { isComposing } from '../../dom.js';
import { longTime, shortTime } from '../list/time.js';
import { make, picture } from '../elements.js';

export class Options {
    #text = ''; // for which they are listed
    #waits = false; // more of them are looked for
    #entered = false; // meanwhile Enter was pressed
    #byHand = false; // somebody has gone to the one that is chosen

    /**
     * @param {HTMLInputElement} field
     * @param {HTMLElement} list
     */
    constructor(field, list) {
        this.field = field;
        this.list = list;
        this.id = `${field.id}-chosen`;
        field.addEventListener('keydown', (event) => this.#onKey(event));
        field.addEventListener('blur', () => (this.#entered = false));
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

    /** What the field has is looked for: Enter waits for that, unless somebody went to one of those that are listed. */
    wait() {
        if (this.#text !== this.field.value) this.#entered = this.#byHand = false;
        this.#text = this.field.value;
        this.#waits = true;
    }

    /** Lists others. What somebody has gone to stays chosen; else it is the first. @param {() => void} change */
    relist(change) {
        const { jid, id } = (this.#byHand && this.chosen()?.dataset) || {};
        change();
        const all = this.all();
        this.choose(all.find(({ dataset }) => dataset.jid === jid && dataset.id === id) ?? all[0]);
    }

    /** What was looked for is listed, or could not be: then nothing is done that nobody has seen. @param {boolean} [found] */
    done(found = true) {
        const goOn = found && this.#entered;
        this.#waits = this.#entered = false;
        if (goOn) this.chosen()?.click();
    }

    /** @param {KeyboardEvent} event */
    #onKey(event) {
        const { key } = event;
        const isEnter = key === 'Enter' && !isComposing(event);
        const mustWait = this.#waits && !this.#byHand;
        this.#entered = isEnter && mustWait && Boolean(this.field.value.trim());
        if (key === 'ArrowDown' || key === 'ArrowUp') this.#go(key === 'ArrowDown' ? 1 : -1);
        else if (!isEnter) return;
        else if (!mustWait) this.chosen()?.click();
        event.preventDefault();
    }

    /** @param {number} by */
    #go(by) {
        const all = this.all();
        const at = all.indexOf(/** @type {HTMLElement} */ (this.chosen()));
        this.choose(all[Math.max(0, Math.min(at + by, all.length - 1))]);
        this.#byHand = all.length > 0;
    }
}

/**
 * One thing that was found.
 * @param {{jid: string, name: string, picture?: string, room?: boolean, around?: boolean}} entry
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
export function timeElement(at, className) {
    const time = make('time', className, shortTime(at));
    time.setAttribute('datetime', at);
    time.title = longTime(at);
    return time;
}
