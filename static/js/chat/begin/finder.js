// A part of the dialog that begins conversations: a field, and below it what there is by that name.

import { failureText } from '../search/find.js';
import { Options } from '../dialogs/options.js';

const TYPING = 180; // ms that somebody who types may pause before the site is asked

/**
 * @typedef {object} Answer
 * @property {HTMLElement[]} options
 * @property {string} said what is said below them
 * @property {string} [next] after which the next page is
 *
 * @typedef {object} Kind what is found
 * @property {string} label of the field
 * @property {(typed: string) => Answer} [known] what is there without asking
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
                placeholder=${label} autocomplete="off" spellcheck="false" enterkeyhint="go" @input=${() => this.#type()}>
            <div class="search-results" id="begin-found" role="listbox" aria-label="What was found"></div>
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

    #type() {
        this.#showKnown();
        clearTimeout(this.typing);
        this.typing = setTimeout(() => this.#find(), TYPING);
    }

    get #typed() {
        return this.field?.value.trim() ?? '';
    }

    #showKnown() {
        const known = this.kind.known?.(this.#typed);
        if (known) this.#show({ ...known, said: '' });
    }

    async #find(after = '') {
        this.asked.abort();
        const { signal } = (this.asked = new AbortController());
        if (!after) this.#showKnown();
        try {
            const answer = await this.kind.find(this.#typed, after, signal);
            if (!signal.aborted) this.#show(answer, Boolean(after));
        } catch (cause) {
            if (!signal.aborted) this.#offer(failureText(cause), 'Try again', () => this.#find(after));
        }
    }

    /** @param {Answer} answer @param {boolean} [more] they come after those that are shown */
    #show({ options, said, next }, more = false) {
        if (!this.list || !this.options) return;
        const at = more ? null : this.options.chosen()?.dataset.jid; // what somebody has gone to stays chosen
        if (more) this.list.append(...options);
        else this.list.replaceChildren(...options);
        if (!more) this.options.choose(options.find(({ dataset }) => dataset.jid === at) ?? options[0]);
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
