// A part of the dialog that begins conversations: a field, and below it what there is by that name.

import { failureText } from '../search/find.js';
import { hasWords } from '../search/fold.js';
import { Options } from '../dialogs/options.js';
import { SEARCH_DEBOUNCE_MS } from '../../debounce.js';

/**
 * @typedef {object} Answer
 * @property {HTMLElement[]} options
 * @property {string} said what is said below them
 * @property {string} [next] after which the next page is
 *
 * @typedef {object} Kind what is found
 * @property {string} label of the field
 * @property {(typed: string) => HTMLElement[]} [known] what is there without asking; else it is what of the last answer has what is typed
 * @property {(typed: string, after: string, signal: AbortSignal) => Promise<Answer>} find
 */

export class Finder {
    asked = new AbortController();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    typing;

    /** @param {Kind} kind */
    constructor(kind) {
        this.kind = kind;
    }

    /** Draws itself into an empty element. @param {HTMLElement} within @param {string} [typed] */
    draw(within, typed = '') {
        const { html, render } = window.converse.env;
        const { label } = this.kind;
        render(html`
            <input type="text" id="begin-words" class="begin-words" role="combobox" aria-expanded="true" aria-controls="begin-found" aria-autocomplete="list" aria-label=${label}
                placeholder=${label} autocomplete="off" spellcheck="false" enterkeyhint="go" @input=${() => this.#find('', SEARCH_DEBOUNCE_MS)}>
            <div class="search-results" id="begin-found" role="listbox" aria-label="Search results"></div>
            <div class="search-foot"><p class="search-status" role="status"></p><button type="button" class="search-onward" hidden @click=${() => this.#goOn()}></button></div>`, within);
        const one = (selector) => /** @type {HTMLElement} */ (within.querySelector(selector));
        this.field = /** @type {HTMLInputElement} */ (one('input'));
        this.field.value = typed;
        this.list = one('[role="listbox"]');
        this.status = one('[role="status"]');
        this.onward = one('.search-onward');
        this.options = new Options(this.field, this.list);
        this.#find();
    }

    focus() {
        this.field?.focus();
    }

    /** Nothing is waited for any more. */
    end() {
        clearTimeout(this.typing);
        this.asked.abort();
    }

    get #typed() {
        return this.field?.value.trim() ?? '';
    }

    /** What is there by what is typed, without asking. */
    #known() {
        const shown = /** @type {HTMLElement[]} */ ([...(this.list?.children ?? [])]);
        return this.kind.known?.(this.#typed) ?? shown.filter((option) => hasWords(option.querySelector('.search-name')?.textContent ?? '', this.#typed));
    }

    /** @param {string} [after] which page @param {number} [pause] ms before the site is asked */
    async #find(after = '', pause = 0) {
        this.end();
        const { signal } = (this.asked = new AbortController());
        if (!after) {
            this.options?.wait();
            this.#show({ options: this.#known(), said: '' });
        }
        if (pause) await new Promise((resolve) => (this.typing = setTimeout(resolve, pause)));
        try {
            const answer = await this.kind.find(this.#typed, after, signal);
            if (!signal.aborted) this.#show(answer, Boolean(after));
            if (!signal.aborted) this.options?.done();
        } catch (cause) {
            if (signal.aborted) return;
            this.#offer(failureText(cause), 'Try again', () => this.#find(after));
            this.options?.done(false);
        }
    }

    /** @param {Answer} answer @param {boolean} [more] they come after those that are shown */
    #show({ options, said, next }, more = false) {
        const { list } = this;
        if (!list) return;
        if (more) list.append(...options);
        else this.options?.relist(() => list.replaceChildren(...options));
        this.#offer(said, next ? 'Show more' : '', () => this.#find(next));
    }

    /** @param {string} said @param {string} label of the button beside it; empty: there is none */
    #offer(said, label, goOn) {
        if (!this.status || !this.onward) return;
        this.status.textContent = said;
        if (!label && this.onward === document.activeElement) this.focus(); // it goes
        this.onward.textContent = label;
        this.onward.hidden = !label;
        this.goOn = goOn;
    }

    #goOn() {
        this.goOn?.();
    }
}
