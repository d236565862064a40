// Where one writes: one field with what is added before the text and Send after it, and
// above it what is to be sent and has not been. It takes text at any time: what cannot
// go at once waits in the queue, and what was begun is kept as a draft.

import { isComposing } from '../../dom.js';
import { showWaiting } from '../room/privateRecipient.js';
import { followBlocks } from '../people/blocking.js';
import { ifLazyLoaded } from '../lazy.js';
import { knownName } from '../people/people.js';
import { tabName, whenGone } from '../connection/tabs.js';
import { allowedInXML } from '../connection/xml.js';
import { drafts } from './drafts.js';
import { queueOf } from './queue.js';
import { paintStyling } from './styling.js';
import { showQueue } from './tray.js';

const SAVE_DELAY_MS = 400; // ms without a key
const PENDING_NOTICE_DELAY_MS = 1000; // ms after which a text that waits is shown

const MEANT = ' meant'; // after a conversation's address, in the drafts: what is to be edited or answered by them

let count = 0; // of composers, for ids

/** One text before another. @param {string[]} texts */
const together = (...texts) => texts.filter(Boolean).join('\n');

/**
 * Converse's form, which it has for people and for rooms, with the site's field in it.
 * @param {Converse.Private} _converse
 * @param {any} Form
 */
export function withComposer(_converse, Form) {
    const { api } = _converse;
    const { html } = window.converse.env;

    return class extends Form {
        #listId = `composer-offers-${++count}`;
        /** @type {ReturnType<typeof setTimeout> | undefined} */
        #saving;
        #editing = false;
        #begun = false;
        /** What was begun, while something is edited. */
        #aside = '';
        /** What is kept of what waits here, and is to be edited or answered. */
        #meant = '';
        /** What is kept as a draft. */
        #kept = '';
        #onQueue = () => {
            if (!this.isConnected) return this.#followQueue();
            this.requestUpdate();
            setTimeout(() => this.requestUpdate(), PENDING_NOTICE_DELAY_MS);
            if (!this.queue.texts.length) this.#save(); // it arrived
        };
        #onLeave = () => this.#save();

        async initialize() {
            await super.initialize();
            this.queue = queueOf(_converse, this.model);
            this.queue.addEventListener('change', this.#onQueue);
            window.addEventListener('pagehide', this.#onLeave);
            this.listenTo(this.model, 'change:draft', () => this.#onDraft());
            this.listenTo(this.model, 'change:correcting', () => this.requestUpdate());
            this.listenTo(this.model, 'change:hidden', () => this.#save());
            this.listenTo(this.model, 'change:name change:nickname vcard:add vcard:change contact:add contact:change', () => this.requestUpdate());
            this.listenTo(this.model.collection?.chatroom?.occupants ?? this.model.occupants, 'change:waits', () => this.requestUpdate());
            this.requestUpdate();
            if (this.model.get('type') === 'chatbox') followBlocks(api, this);
        }

        // The field is there with what was begun in it, at once: what came later would take the
        // place of what somebody types, or has typed already (composer.js).
        updated(changed) {
            super.updated(changed);
            if (!this.textarea || this.#begun) return;
            this.#begun = true;
            this.#editing = Boolean(this.model.get('correcting'));
            this.#aside = this.draft;
            this.#kept = drafts.of(this.#whose);
            this.#show(this.#editing ? this.model.get('draft') : this.#aside);
            this.#goOn();
        }

        /** What waited as the page before ended comes back as it was meant: it answers, or edits, the same. Another tab's waits there. */
        async #goOn() {
            const kept = drafts.of(this.#whose + MEANT);
            if (this.queue.items.length || !kept) return; // it waits here
            const { tab, answers, text, corrects } = JSON.parse(kept);
            if (tab !== tabName() && !(await whenGone(tab, () => true))) return;
            this.#meant = kept;
            if (answers) this.model.save(answers);
            if (!text) return;
            await this.model.messages.fetched;
            const message = this.model.messages.get(corrects);
            if (message?.get('correcting')) this.#show(text);
            else this.#returnToField(text, message);
        }

        disconnectedCallback() {
            this.#save();
            super.disconnectedCallback();
            this.#followNoMore();
            window.removeEventListener('pagehide', this.#onLeave);
        }

        /** What waits to be sent is kept with what was begun, and once it has gone no more, also where nobody looks on. */
        #followQueue() {
            this.#save(this.#isKept);
            this.#followNoMore();
        }

        #followNoMore() {
            if (!this.queue?.texts.length && !this.queue?.meant) this.queue?.removeEventListener('change', this.#onQueue);
        }

        /** @returns {HTMLTextAreaElement} */
        get textarea() {
            return this.querySelector('.chat-textarea');
        }

        // Converse completes names in rooms by its own.
        initMentionAutoComplete() {}
        shouldAutoComplete() {
            return false;
        }

        render() {
            if (!this.queue) return '';
            const correcting = Boolean(this.model.get('correcting'));
            const room = this.model.get('type') === 'chatroom';
            const key = (event) => this.#onKey(event);
            const hint = whom(this.model);
            const jid = this.model.get('jid');
            const blocked = Boolean(this.blocked?.get(jid));
            return html`
                ${blocked ? html`<p class="composer-blocked">You blocked ${knownName(this.model) || 'this person'}. <button type="button" class="room-button" @click=${() => api.blocklist.remove(jid)}>Unblock</button></p>` : ''}
                ${showWaiting(this)}
                ${showQueue(this.queue, (item) => this.#cancel(item), PENDING_NOTICE_DELAY_MS)}
                ${correcting ? html`<p class="composer-note">Editing a message
                    <button type="button" @click=${(event) => this.#cancelEdit(event)}>Cancel</button></p>` : ''}
                <form class="chat-message-form ${this.queue.chosen ? 'has-files' : ''}" ?hidden=${blocked} @submit=${(event) => this.onFormSubmitted(event)}
                    @change=${forgetFiles} @mousedown=${keepFocus}>
                    <converse-chat-toolbar class="btn-toolbar chat-toolbar no-text-select" .model=${this.model} ?is_groupchat=${room}
                        show_emoji_button show_send_button show_toolbar></converse-chat-toolbar>
                    <div class="suggestion-box composer-field">
                        <ul class="suggestion-box__results suggestion-box__results--above" id=${this.#listId} role="listbox" aria-label="Suggestions" hidden></ul>
                        <div class="composer-styling" aria-hidden="true"></div>
                        <textarea class="chat-textarea ${correcting ? 'correcting' : ''}" rows="1" enterkeyhint="send" placeholder=${hint} aria-label=${hint}
                            aria-autocomplete="list" aria-controls=${this.#listId}
                            @input=${() => this.#onInput()} @scroll=${() => this.#paint()} @click=${() => this.#complete()} @blur=${() => this.#onBlur()}
                            @keydown=${key} @keyup=${(event) => this.onKeyUp(event)} @paste=${(event) => this.onPaste(event)}></textarea>
                    </div>
                </form>`;
        }

        /** @param {KeyboardEvent} event */
        #onKey(event) {
            if (isComposing(event) || this.completion?.onKey(event)) return; // an input method takes Enter for itself
            const { value } = this.textarea;
            if (event.key === 'Escape') this.onEscapePressed(event);
            else this.onKeyDown(event);
            if (event.key.startsWith('Arrow') && this.textarea.value !== value) event.preventDefault(); // it began an edit, whose caret stays at the end
            if (['ArrowLeft', 'ArrowRight', 'Home', 'End'].includes(event.key)) this.completion?.close();
        }

        #onInput() {
            grow(this.textarea);
            this.#paint();
            this.#complete();
            clearTimeout(this.#saving);
            this.#saving = setTimeout(() => this.#save(), SAVE_DELAY_MS);
        }

        /** Offers what may be meant; the list comes with the first key (lazy.js). */
        #complete() {
            ifLazyLoaded(({ Completion }) => {
                if (document.activeElement !== this.textarea) return; // it came late
                this.completion ??= new Completion(api, this.model, this.textarea, this.querySelector('.suggestion-box__results'));
                this.completion.look();
            });
        }

        #onBlur() {
            this.completion?.close();
            this.#save();
            // What quotes a message adds to it. The model's store may be gone: somebody signs out.
            if (!this.model.get('correcting')) this.model.set({ draft: this.textarea.value }, { silent: true });
        }

        #paint() {
            paintStyling(this.querySelector('.composer-styling'), this.textarea);
        }

        /** Converse has another text for the field: that of a message that is edited, or what is quoted. */
        #onDraft() {
            const editing = Boolean(this.model.get('correcting'));
            const begins = editing && !this.#editing;
            if (begins) this.#aside = this.textarea?.value ?? '';
            const begun = this.#editing ? this.#aside : this.draft;
            this.#editing = editing;
            if (begins) this.#save(true);
            this.#show(this.model.get('draft') ?? begun);
            if (begins) this.textarea?.focus(); // what was chosen is gone, and with it the focus
            if (begins) this.textarea?.setSelectionRange(this.textarea.value.length, this.textarea.value.length);
        }

        /** Ends the edit, or else the answer. @param {Event} event */
        onEscapePressed(event) {
            super.onEscapePressed(event);
            if (event.defaultPrevented || !this.model.get('reply_to_id')) return;
            event.preventDefault();
            this.model.save({ reply_to_id: undefined, reply_to: undefined });
        }

        /** @param {Event} event */
        #cancelEdit(event) {
            this.onEscapePressed(event);
            this.textarea.focus();
        }

        /** @param {string} text */
        #show(text) {
            const { textarea } = this;
            if (!textarea || textarea.value === text) return;
            textarea.value = text;
            grow(textarea);
            this.#paint();
            if (document.activeElement === textarea) textarea.setSelectionRange(text.length, text.length);
        }

        /** Of which conversation the draft is: in private, within a room, of somebody there (XEP-0045 §7.5), whose account may be hidden. */
        get #whose() {
            return this.model.get('from') ?? this.model.get('jid');
        }

        /** What was begun here, without what waits to be sent. */
        get draft() {
            const kept = drafts.of(this.#whose);
            const waiting = this.queue.texts.join('\n');
            if (!waiting) return kept;
            return kept.startsWith(`${waiting}\n`) ? kept.slice(waiting.length + 1) : '';
        }

        /** Keeps what is not sent; while something is edited, unless another was begun elsewhere. */
        #save(whole = !this.#editing || this.#isKept) {
            if (!this.textarea) return;
            const meant = this.queue.meant ? JSON.stringify({ tab: tabName(), ...this.queue.meant }) : '';
            if (meant !== this.#meant) drafts.set(this.#whose + MEANT, (this.#meant = meant));
            if (whole) this.#keep();
        }

        get #isKept() {
            return drafts.of(this.#whose) === this.#kept; // or somebody wrote elsewhere
        }

        /** What somebody edits is no draft; and a field that nobody touched here has none: another tab may. */
        #keep() {
            clearTimeout(this.#saving);
            const begun = together(...this.queue.texts, this.#editing ? this.#aside : this.textarea.value);
            if (begun !== this.#kept) drafts.set(this.#whose, (this.#kept = begun));
        }

        insertIntoTextArea(...options) {
            super.insertIntoTextArea(...options);
            this.textarea.dispatchEvent(new Event('input', { bubbles: true }));
        }

        /** @param {ClipboardEvent} event */
        onPaste(event) {
            const data = event.clipboardData;
            const files = [...(data?.files ?? [])];
            if (!files.length || isText(data, files)) return;
            event.preventDefault();
            this.queue.choose(files);
        }

        /** @param {Event} event */
        onFormSubmitted(event) {
            event?.preventDefault();
            const { textarea } = this;
            const text = allowedInXML(textarea.value).trim(); // of what XML forbids alone nothing is sent (X-14)
            if (!text && !this.queue.chosen) return;
            this.querySelector('converse-emoji-dropdown')?.hide();
            this.#show('');
            this.model.save({ draft: '' }, { silent: true });
            this.completion?.close();
            this.queue.send(text);
            this.model.setChatState('active', { silent: true }); // the message says so itself (XEP-0085 §5.3)
            if (document.activeElement !== textarea) textarea.focus();
        }

        /** Takes something out of the queue; a text comes back into the field, and what is answered by it, or by a file, above it. */
        #cancel(item) {
            const { text, corrects, answers } = item;
            this.queue.remove(item);
            if (text) this.#returnToField(text, corrects);
            if (answers && !this.model.get('reply_to_id')) this.model.save(answers);
            this.textarea.focus();
        }

        /** A text that is not sent after all edits what it did, or stands before what was begun: never in what somebody edits. */
        #returnToField(text, corrects) {
            if (!this.#editing && corrects) {
                corrects.save('correcting', true);
                return this.#show(text);
            }
            if (this.#editing) this.#aside = together(text, this.#aside);
            else this.#show(together(text, this.textarea.value));
            this.#save();
        }
    };
}

/** What the field is for. */
function whom(model) {
    const name = knownName(model);
    return name ? `Message ${name}` : 'Message';
}

/**
 * Whether what is pasted is a text: of one that was copied in a document or a table there is a picture, too. Of a picture or of
 * files there may be a text: where it is from, or their names.
 * @param {DataTransfer} data
 * @param {File[]} files
 */
function isText(data, files) {
    const lines = data.getData('text/plain').trim().split(/\s*\n/);
    const { body } = new DOMParser().parseFromString(data.getData('text/html'), 'text/html');
    const isPicture = !body.textContent.trim() && body.querySelector('img');
    return !isPicture && !lines.every((line) => files.some(({ name }) => line.endsWith(name) || !line));
}

/** A file that was chosen can be chosen again. */
function forgetFiles({ target }) {
    if (target.matches('input[type="file"]')) target.value = '';
}

/** On a phone the keyboard stays when Send is touched. */
function keepFocus(event) {
    if (event.target.closest('.send-button')) event.preventDefault();
}

/** Browsers without `field-sizing`; the style sheet says how far. */
function grow(textarea) {
    if (CSS.supports('field-sizing', 'content')) return;
    textarea.style.height = 'auto';
    textarea.style.height = `${textarea.scrollHeight}px`;
}
