// What can be done with a message, by a finger that rests on it (longPress.js): a sheet from below,
// with reactions on top and everything else in words. Mouse and keyboard have the bar beside
// the message (messages.js), which is there for screen readers as well.

import { closeBeside, onClosed, waitFor } from '../../dom.js';
import { showModal } from '../dialogs/overlayHistory.js';
import { Bar } from './bar.js';
import { MAX_MOVE_PX } from './longPress.js';
import { lineOf } from '../list/entries.js';
import { lineText } from '../list/row.js';
import { reactionsOf } from './messages.js';

const CLOSE_DISTANCE_PX = 72; // px that the sheet is drawn down until it closes

/** Closes a sheet that is drawn down. @param {HTMLDialogElement} dialog */
function closeByDrawing(dialog) {
    /** @type {Touch | null} */
    let from = null;
    const drawn = (touch) => Math.max(0, from ? touch.clientY - from.clientY : 0);
    const move = (px) => dialog.style.setProperty('--drawn', `${px}px`);
    dialog.addEventListener('touchstart', ({ touches, target }) => {
        const beside = target === dialog;
        from = beside || touches.length > 1 || dialog.scrollTop > 0 ? null : touches[0];
    }, { passive: true });
    dialog.addEventListener('touchmove', (event) => {
        const px = drawn(event.touches[0]);
        if (!px || !event.cancelable) return;
        event.preventDefault(); // the page does not scroll
        move(px);
    }, { passive: false });
    dialog.addEventListener('touchend', (event) => {
        const px = drawn(event.changedTouches[0]);
        from = null;
        if (px > MAX_MOVE_PX) event.preventDefault(); // nor does it press what it began on
        if (px > CLOSE_DISTANCE_PX) dialog.close();
        else move(0);
    }, { passive: false });
    dialog.addEventListener('touchcancel', () => move(0));
    onClosed(dialog, () => move(0));
}

export class MessageSheet {
    /** @type {any} the element of the message */
    message = null;
    /** @type {any[]} */
    offered = [];
    /** @type {string[]} */
    emoji = [];

    /** @param {Converse.Private} _converse */
    constructor(_converse) {
        this._converse = _converse;
        this.dialog = Object.assign(document.createElement('dialog'), { id: 'message-sheet', className: 'message-sheet', tabIndex: -1 });
        this.dialog.setAttribute('aria-label', 'Message actions');
        document.body.append(this.dialog);
        closeBeside(this.dialog);
        closeByDrawing(this.dialog);
        onClosed(this.dialog, this.#leave);
    }

    #leave = () => {
        this.message?.model.off('change destroy remove', this.#follow);
        this.message = null;
    };

    /** @param {any} message its element */
    async show(message) {
        const offered = await this.#offeredOf(message);
        if (!offered.length || this.dialog.open) return;
        this.#leave(); // one that was closed a moment ago
        Object.assign(this, { message, offered });
        message.model.on('change destroy remove', this.#follow); // an open sheet offers what can be done now
        this.#draw();
        showModal(this.dialog);
        this.dialog.focus(); // no choice is nearer than another
        if (this.#can('reaction')) await this.#learnEmoji();
    }

    /** What can be done with it: of one that was drawn again meanwhile, too. */
    async #offeredOf(message) {
        const bar = await message.querySelector('converse-message-actions')?.reach({ Bar });
        return bar ? bar.offered() : [];
    }

    /** The emoji that this person takes most, as far as the room allows them. */
    async #learnEmoji() {
        const { message } = this;
        const allowed = message.model.collection.chatbox.get('allowed_reactions');
        const emoji = Object.keys((await this._converse.state.popular_emojis?.getPopularEmojis()) ?? {});
        this.emoji = emoji.filter((each) => !allowed || allowed.includes(each));
        if (this.message === message) this.#draw();
    }

    #follow = async () => {
        const { message } = this;
        const offered = message.model.isRetracted() ? [] : await this.#offeredOf(message);
        if (this.message !== message) return;
        if (!offered.length) return this.dialog.close();
        this.offered = offered;
        this.#draw();
    };

    #can(name) {
        return this.offered.some((action) => action.name === name);
    }

    #draw() {
        const { html, render } = window.converse.env;
        const { model } = this.message;
        const line = lineOf(model.collection.chatbox, model);
        const entries = this.offered.filter(({ name }) => name !== 'reaction');
        render(html`<div class="message-sheet__all">
            <p class="message-sheet__what"><b dir="auto">${model.getDisplayName()}</b> <span dir="auto">${line ? lineText(line) : ''}</span></p>
            ${reactionsOf(model).map(({ emoji, who }) => html`<p class="message-sheet__who">${emoji} <span dir="auto">${who}</span></p>`)}
            ${this.#can('reaction') ? this.#reactions() : ''}
            ${entries.map((action) => html`<button type="button" class="message-sheet__entry ${action.name === 'retract' ? 'message-sheet__entry--destroys' : ''}" @click=${(event) => this.#do(event, action)}>
                ${action.sign ?? html`<converse-icon class=${action.icon_class} size="1.25rem" aria-hidden="true"></converse-icon>`}${action.i18n_text}
            </button>`)}
        </div>`, this.dialog);
    }

    #reactions() {
        const { html, u } = window.converse.env;
        const { model } = this.message;
        const mine = model.get('reactions')?.[u.reactions.getOwnReactionJID(model.collection.chatbox)] ?? [];
        return html`<div class="message-sheet__emoji" role="group" aria-label="React">
            ${this.emoji.map((emoji) => html`<button type="button" aria-pressed=${mine.includes(emoji)} @click=${() => this.#react(emoji)}>${emoji}</button>`)}
            <button type="button" aria-label="More emoji" aria-haspopup="dialog" @click=${() => this.#more()}>
                <converse-icon class="fas fa-plus" size="1.1rem" aria-hidden="true"></converse-icon></button>
        </div>`;
    }

    /** Closes it first, so that what an action gives the focus to keeps it. */
    #do(event, { handler }) {
        this.dialog.close();
        handler(event);
    }

    #react(emoji) {
        const picker = this.message.querySelector('converse-reaction-picker');
        this.dialog.close();
        picker?.onEmojiSelected(emoji);
    }

    /** Opens Converse's own, with all emoji. */
    async #more() {
        const { message } = this;
        const picker = message.querySelector('converse-reaction-picker');
        this.dialog.close();
        await picker?.open({ target: message });
        const more = await waitFor(() => picker?.querySelector('.reaction-item.more'));
        more?.click();
    }
}
