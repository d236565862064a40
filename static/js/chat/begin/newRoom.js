// The form for a new room, in the dialog that begins conversations.

import { MAX_LENGTH } from '../room/bounds.js';

const FAILED = 'The room was not made. Please try again.';

/**
 * Makes a room. @returns {Promise<{jid?: string, errors?: Record<string, string>}>}
 * @param {{name: string, about: string, private: boolean}} room
 */
async function make(room) {
    try {
        const answer = await fetch('/xmpp/rooms', { method: 'POST', headers: { 'Content-Type': 'application/json', Accept: 'application/json' }, body: JSON.stringify(room) });
        const { jid, errors, error } = await answer.json();
        return answer.ok ? { jid } : { errors: errors ?? { '': error || FAILED } };
    } catch {
        return { errors: { '': navigator.onLine ? FAILED : 'You are offline. Make the room when you are back.' } };
    }
}

export class NewRoom {
    /** @type {Record<string, string>} what is wrong, by field; "" is the form as a whole */
    errors = {};
    /** What the site is asked for. @type {object | undefined} */
    asked;

    /** @param {(jid: string) => void} made what is done with a room that was made */
    constructor(made) {
        this.made = made;
    }

    /** @param {HTMLElement} within */
    draw(within) {
        this.within = within;
        this.errors = {};
        this.#draw();
    }

    focus() {
        this.#field('name')?.focus();
    }

    end() {
        this.within = undefined;
        this.asked = undefined; // what comes of it opens nothing, and keeps no other room from being made
    }

    #field(name) {
        return /** @type {HTMLInputElement | null | undefined} */ (this.within?.querySelector(`input[name="${name}"]`));
    }

    #draw() {
        const { html, render } = window.converse.env;
        if (!this.within) return;
        const wrong = (field) => html`<small class="begin-wrong" role="alert" id="begin-wrong-${field}">${this.errors[field] ?? ''}</small>`;
        const text = (field, label, required) => html`<label>${label}<input name=${field} maxlength=${MAX_LENGTH[field]} ?required=${required} autocomplete="off"
            aria-invalid=${this.errors[field] ? 'true' : 'false'} aria-describedby="begin-wrong-${field}"></label>${wrong(field)}`;
        render(html`<form class="begin-form" novalidate @submit=${(event) => this.#submit(event)}>
            ${text('name', 'Name', true)}
            ${text('about', 'What it is about (optional)', false)}
            <fieldset>
                <legend>Who can join</legend>
                <label class="room-choice"><input type="radio" name="who" value="everyone" checked><span>Everybody here</span></label>
                <label class="room-choice"><input type="radio" name="who" value="invited"><span>Only people who are invited</span></label>
            </fieldset>
            ${wrong('')}
            <div class="begin-buttons"><button type="submit" class="room-button room-button--main">Make the room</button></div>
        </form>`, this.within);
    }

    /** @param {SubmitEvent} event */
    async #submit(event) {
        event.preventDefault();
        if (this.asked) return;
        const mine = (this.asked = {});
        const fields = new FormData(/** @type {HTMLFormElement} */ (event.target));
        const said = (name) => String(fields.get(name) ?? '').trim();
        const { jid, errors = {} } = await make({ name: said('name'), about: said('about'), private: said('who') === 'invited' });
        if (this.asked !== mine) return document.dispatchEvent(new CustomEvent('foyer:rooms'));
        this.asked = undefined;
        if (jid) return this.made(jid);
        this.errors = errors;
        this.#draw();
        this.#field(Object.keys(errors).find((field) => field) ?? 'name')?.focus();
    }
}
