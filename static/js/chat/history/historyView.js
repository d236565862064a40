// Which messages of a conversation are drawn, in place of Converse's own choice: a stretch that
// grows at the end that somebody comes near to, a few messages a frame. What they read stays
// where it is meanwhile.
//
// The element that scrolls begins at its bottom (flex-direction: column-reverse), so that what
// is added, or gets its height, above what is in sight moves nothing. When something below
// changes, a message in sight is brought back to where it was, before the browser paints. That
// ends the movement of a finger; that of a wheel or of a key Chromium ends whenever there is
// more to scroll, that of a key also before anything has moved. So what can wait, waits from
// the key on, until the view has come to rest. Firefox turns its wheel in another process,
// ahead of what the page is told: there the view is moved by so many px (scrollBy), which
// Firefox adds to where it is; to put it somewhere (scrollTop) would take back what the page
// has not heard of yet. The browsers' own scroll anchoring is off (overflow-anchor): it would
// correct the same a second time, and not everywhere.

import { bringsKeyboard } from '../composer/composer.js';
import { endJump, fillGap } from './jumpToMessage.js';

const FIRST_DRAWN = 30; // messages that are drawn at once
const MAX_DRAWN = 200; // that stay drawn
const OVERSCAN_VIEWS = 1; // views that are drawn above and below what is in sight
const RESTING_OVERSCAN_VIEWS = 3; // once that has come to rest
const FRAME_BUDGET_MS = 10; // ms of a frame, for messages
const MAX_PER_FRAME = 12; // messages in a frame, at most
const FIRST_PACE = 4; // messages in a frame, before it is known how long they take
const REST_DELAY_MS = 250; // ms after which a scrolled conversation has come to rest
const TOLERANCE_PX = 2; // px that are nothing
const SCROLL_KEYS = /^((Page|Arrow)(Up|Down)|Home|End| )$/; // that scroll

/** Whether a model stands for what is missing. */
const isGap = (model) => typeof model?.fetchMissingMessages === 'function';

const hasFile = (model) => Boolean(model?.get('oob_url'));

export class HistoryView {
    /** The first message that is drawn; null: as many as fit at the end. @type {any} */
    #first = null;
    /** The last one; null: whatever is said last, as somebody is there. @type {any} */
    #last = null;
    /** Elements in sight, and where each is (placeOf). @type {{row: any, y: number}[]} */
    #anchors = [];
    /** Where the view was scrolled to when these were noted. */
    #at = 0;
    /** px by which what is in sight is still to be brought back: browsers scroll by whole pixels of the screen. */
    #owed = 0;
    /** Whether somebody scrolled since they were led here (show). */
    #isScrolled = false;
    #pace = FIRST_PACE;
    #began = 0;
    #asked = false;
    /** While the view moves: until it has come to rest. @type {ReturnType<typeof setTimeout> | undefined} */
    #resting;
    /** While the browser scrolls for a key that was pressed once: nothing is drawn, which would end that. */
    #isStepping = false;
    /** What waits until nobody sees it. @type {Set<{row: any, act: () => void}>} */
    #late = new Set();

    /**
     * @param {any} content the element that draws the conversation
     * @param {(gap: any, previous: any) => void} fillGap fetches what is missing; after the message before it, if one is given
     */
    constructor(content, fillGap) {
        this.content = content;
        this.fillGap = fillGap;
        this.messages = content.model.messages;
        this.sizes = new ResizeObserver(() => this.#resized());
        this.onScroll = () => this.#scrolled();
        this.onScrollEnd = () => this.#stepped();
        this.onKey = (event) => SCROLL_KEYS.test(event.key) && this.#pressed(event.repeat);
    }

    end() {
        this.sizes.disconnect();
        clearTimeout(this.#resting);
    }

    /** The content was drawn: its elements are there. */
    drawn() {
        const scroller = this.content.querySelector('.chat-content__messages');
        if (!scroller || scroller === this.scroller) return;
        this.scroller = scroller;
        this.history = scroller.querySelector('converse-message-history');
        this.sizes.disconnect();
        for (const each of [scroller, ...scroller.children]) this.sizes.observe(each);
    }

    /** The messages that are drawn, in their order. */
    get messagesDrawn() {
        const [from, to] = this.#range();
        return this.messages.models.slice(from, to + 1);
    }

    /** Draws the end again, and nothing else. */
    reset() {
        [this.#first, this.#last, this.#anchors, this.#isScrolled, this.#isStepping] = [null, null, [], false, false];
        this.redraw();
    }

    /** The indices of the first and the last message that are drawn. */
    #range() {
        const { models, length } = this.messages;
        const first = this.#first ? models.indexOf(this.#first) : length - FIRST_DRAWN;
        if (this.#last) return [Math.max(0, first), models.indexOf(this.#last)];
        return [Math.max(0, first, length - MAX_DRAWN), length - 1];
    }

    /** A message was removed: those beside it take its place. That of a gap is taken at once, so that it leaves none at the top of the view. */
    removed(model, index) {
        const { models } = this.messages;
        if (model === this.#first) this.#first = models[isGap(model) ? Math.max(0, index - Math.max(this.#pace, FIRST_PACE)) : index]; // a few are at least as high as the spinner
        if (model === this.#last) this.#last = models[index - 1];
        this.redraw();
    }

    redraw() {
        if (this.#isStepping) return; // then (#stepped)
        this.content.requestUpdate();
        this.#soon();
    }

    /** A message came: what is drawn is drawn again if that is among them. A page of older ones is not, yet. */
    added() {
        const [before, now] = [this.history?.messages ?? [], this.messagesDrawn];
        if (before.length === now.length && now.every((model, i) => model === before[i])) this.#soon();
        else this.redraw();
    }

    /** A message has changed. */
    changed(model) {
        if (this.history?.messages.includes(model) ?? true) this.redraw();
    }

    /** Goes to what was said last. */
    toEnd() {
        if (this.#last) this.reset();
        this.scroller?.scrollTo({ top: 0 });
    }

    /** Draws the messages around one. */
    around(model) {
        const { models, length } = this.messages;
        const at = models.indexOf(model);
        this.#first = models[Math.max(0, at - FIRST_DRAWN / 2)];
        this.#last = models[Math.min(length - 1, at + FIRST_DRAWN / 2)];
        [this.#anchors, this.#isStepping] = [[], false];
        this.redraw();
    }

    /** Does what changes the height of a message late: soon, but not while the view moves, nor where somebody reads further up and sees the message. */
    whenUnseen(row, act) {
        this.#late.add({ row, act });
        this.#soon();
    }

    #catchUp() {
        if (this.#late.size) this.#hold(); // what is in sight is where it was
        if (this.#resting) return;
        const view = this.scroller.getBoundingClientRect();
        const isRead = this.#isScrolled && !this.#isAtEnd();
        for (const each of this.#late) {
            const { top, bottom } = each.row.getBoundingClientRect(); // nowhere, if it is not drawn any more
            if (isRead && bottom > view.top && top < view.bottom) continue;
            this.#late.delete(each);
            each.act();
        }
    }

    /** Brings an element into the middle of the view, where it stays until somebody scrolls. */
    show(element) {
        element.scrollIntoView({ block: 'center' });
        this.#stay();
        this.#note();
        this.#isScrolled = false;
        this.tell();
    }

    /** Sees to it that what is to be drawn is, from the next frame on. */
    #soon() {
        if (this.#asked) return;
        this.#asked = true;
        requestAnimationFrame(() => {
            this.#asked = false;
            if (!this.scroller?.isConnected) return;
            this.#catchUp();
            if (this.#grow()) this.redraw();
        });
    }

    /** Takes some more messages to those that are drawn, if what is in sight is near their beginning or their end. */
    #grow() {
        const { scroller, history, messages: { models } } = this;
        const view = scroller.getBoundingClientRect();
        const { top, bottom } = history.getBoundingClientRect();
        if (!view.height || !models.length || this.#isStepping) return false;
        const [from, to] = this.#range();
        const [above, below] = [view.top - top, bottom - view.bottom];
        const at = this.#middle(to);
        const ahead = (count) => (this.#resting || count >= MAX_DRAWN / 2 ? OVERSCAN_VIEWS : RESTING_OVERSCAN_VIEWS) * view.height;
        if (Math.min(above, this.#last ? below : above) < view.height / 2) this.#pace = MAX_PER_FRAME; // nobody is to wait at the end of what is drawn
        const first = above < ahead(at - from) ? this.#upTo(from, -1) : from;
        const last = first === from && this.#last && below < ahead(to - at) ? this.#upTo(to, 1) : to;
        if (first === from && last === to) return false;
        if (first !== from) this.#first = models[first];
        else this.#last = models[last];
        this.#began = performance.now();
        return true;
    }

    /**
     * The index of the message that is drawn up to next. A gap is not passed, but filled; it is drawn where it is the
     * first, and not where it would be the last.
     * @param {-1 | 1} step
     */
    #upTo(index, step) {
        const { models } = this.messages;
        for (let n = 0; n < this.#pace; n++) {
            const [here, next] = [models[index], models[index + step]];
            const gap = [here, next].find(isGap);
            if (gap) this.#fill(gap, step > 0 && here !== gap && here);
            if (!next || isGap(here) || (gap && step > 0)) break;
            index += step;
        }
        while (hasFile(models[index]) && hasFile(models[index + step])) index += step; // pictures in a row are drawn together
        return index;
    }

    /** Asks for what is missing, once somebody reads further up. */
    #fill(gap, previous) {
        if (!this.#isAtEnd() && !gap.get('fetching')) this.fillGap(gap, previous);
    }

    #scrolled() {
        this.#hold();
        this.#stay();
        this.#soon();
    }

    /** A key is to scroll. Who holds it down goes on without an end, as with a wheel, and is not kept waiting for what comes next. */
    #pressed(isHeld) {
        this.#moves();
        if (isHeld) this.#stepped();
        else this.#isStepping = true;
    }

    #stepped() {
        if (!this.#isStepping) return;
        this.#isStepping = false;
        this.redraw();
    }

    /** Somebody scrolls. */
    #moved() {
        this.#isScrolled = true;
        this.#moves();
    }

    #moves() {
        clearTimeout(this.#resting);
        this.#resting = setTimeout(() => this.#rest(), REST_DELAY_MS);
    }

    /** What is drawn stays the same while somebody reads further up, whatever comes. */
    #stay() {
        const { models } = this.messages;
        if (this.#isAtEnd()) this.#last = null;
        else if (!this.#last) [this.#first, this.#last] = [models[this.#range()[0]], models.at(-1)];
    }

    #rest() {
        this.#resting = undefined;
        if (this.scroller.clientHeight) this.#hold();
        if (this.#resting) return; // it moves still
        this.#stepped();
        if (!this.scroller.clientHeight) return;
        this.tell();
        this.#trim();
        this.#soon();
    }

    /** Says of the conversation whether somebody reads further up. */
    tell() {
        this.content.model.ui.set({ scrolled: !this.#isAtEnd() });
    }

    /** Takes away what is far from what is in sight, if that is much. */
    #trim() {
        const { models } = this.messages;
        const [from, to] = this.#range();
        const at = this.#middle(-1);
        if (at < 0 || to - from <= MAX_DRAWN) return;
        this.#first = models[Math.max(from, at - MAX_DRAWN / 2)];
        this.#last = models[Math.min(to, at + MAX_DRAWN / 2)];
        this.redraw();
    }

    /** The index of the message in the middle of the view, if that is noted. */
    #middle(otherwise) {
        const model = this.#anchors.map(({ row }) => row.model ?? row.querySelector('converse-chat-message')?.model).find(Boolean);
        return model ? this.messages.models.indexOf(model) : otherwise;
    }

    #isAtEnd() {
        const isLast = !this.#last || this.#last === this.messages.models.at(-1);
        return isLast && this.scroller.scrollTop >= -TOLERANCE_PX;
    }

    #resized() {
        this.#hold();
        if (this.#began) {
            const took = performance.now() - this.#began;
            this.#began = 0;
            this.#pace = Math.max(1, Math.min(MAX_PER_FRAME, 2 * this.#pace, Math.round((this.#pace * FRAME_BUDGET_MS) / took)));
        }
        this.#soon();
    }

    /**
     * Where an element is: its bottom, from that of the view, were that not scrolled. When it gets another height at its
     * top, as a message does that has its name above it no more, what is read does not move.
     */
    #placeOf(row, view) {
        return row.getBoundingClientRect().bottom - view.bottom + this.scroller.scrollTop;
    }

    /** Brings what is in sight back to where it was, if something below it has changed. */
    #hold() {
        const { scroller } = this;
        const view = scroller.getBoundingClientRect();
        if (!view.height) return;
        if (Math.abs(scroller.scrollTop - this.#at) > 0.1) this.#moved(); // also where the event is still to come
        const anchor = this.#anchors.find(({ row }) => row.isConnected);
        const moved = anchor ? this.#placeOf(anchor.row, view) - anchor.y + this.#owed : 0;
        const limit = scroller.clientHeight - scroller.scrollHeight;
        const beyond = this.#at - limit; // the browser moves a view that would be beyond what is left
        const at = scroller.scrollTop + (beyond < -1 ? beyond : 0); // heights are rounded
        const isFar = Math.abs(moved) >= 1;
        if (isFar && 'scrollTopMax' in scroller) scroller.scrollBy(0, at + moved - scroller.scrollTop); // Firefox
        else if (isFar) scroller.scrollTop = at + moved;
        const owed = isFar ? at + moved - scroller.scrollTop : moved;
        this.#note(Math.abs(owed) < 1 ? owed : 0); // more, where there is nothing more to scroll to
    }

    /** Notes what is in the middle of the view; at the end it is the end that stays. */
    #note(owed = 0) {
        this.#anchors = [];
        this.#at = this.scroller.scrollTop;
        this.#owed = 0;
        if (this.#isAtEnd()) return;
        this.#owed = owed;
        const view = this.scroller.getBoundingClientRect();
        const rows = this.history.children;
        const middle = (view.top + view.bottom) / 2;
        let [from, to] = [0, rows.length - 1];
        while (from < to) {
            const half = (from + to) >> 1;
            if (rows[half].getBoundingClientRect().bottom > middle) to = half;
            else from = half + 1;
        }
        const near = [rows[from], rows[from - 1], rows[from + 1]].filter(Boolean);
        this.#anchors = near.map((row) => ({ row, y: this.#placeOf(row, view) }));
    }
}

/**
 * Does what changes the height of a message once that moves nothing that somebody reads (HistoryView.whenUnseen).
 * @param {any} message its element
 */
export function whenUnseen(message, act) {
    const view = message.closest('converse-chat-content, converse-muc-chat-content')?.view;
    if (view) view.whenUnseen(message, act);
    else act();
}

/**
 * The element of a conversation is the site's own, in place of Converse's (scripts/converse.mjs leaves that out).
 * @param {Converse.Private} _converse
 */
// Patch: what-is-near
export function installHistoryView(_converse) {
    const { api } = _converse;
    const { html } = window.converse.env;
    const Element = Object.getPrototypeOf(api.elements.registry['converse-message-history']); // what all of Converse's are made of

    class Content extends Element {
        static properties = { model: { type: Object } };

        async initialize() {
            const { model } = this;
            await model.initialized;
            await model.messages.fetched;
            if (!this.isConnected || this.view) return;
            const view = (this.view = new HistoryView(this, (gap, previous) => api.connection.connected() && fillGap(_converse, gap, previous)));
            this.listenTo(model.messages, 'add', () => view.added());
            this.listenTo(model.messages, 'change', (message) => view.changed(message));
            this.listenTo(model.messages, 'reset', () => view.reset());
            this.listenTo(model.messages, 'remove', (message, _, { index }) => view.removed(message, index));
            for (const each of [model.notifications, model.ui, model.occupants, model.session, model.features, model.config]) if (each) this.listenTo(each, 'change', () => this.requestUpdate());
            this.listenTo(model, 'change:num_unread change:num_unread_general vcard:add vcard:change contact:add contact:change', () => this.requestUpdate());
            this.listenTo(model.ui, 'change:scrolled', () => model.ui.get('scrolled') || view.toEnd());
            this.requestUpdate();
        }

        disconnectedCallback() {
            this.view?.end();
            this.view = undefined;
            this.model?.ui.set({ scrolled: false }, { silent: true }); // the next one begins at the end
            super.disconnectedCallback();
        }

        updated() {
            this.view?.drawn();
        }

        /** By the button, which goes: the focus goes to where one writes, or else stays in the conversation. */
        toLatest() {
            endJump(this.model);
            this.model.ui.set({ scrolled: false });
            this.view.scroller.focus({ preventScroll: true });
            if (!bringsKeyboard()) this.closest('converse-chat, converse-muc-occupant, converse-muc').querySelector('textarea')?.focus();
        }

        /** The conversation, with a way down to the latest while somebody reads further up. */
        render() {
            const { model, view } = this;
            if (!view) return '';
            const unread = model.get('num_unread') || model.get('num_unread_general');
            return html`<div class="chat-content__messages" tabindex="-1" @scroll=${view.onScroll} @scrollend=${view.onScrollEnd} @keydown=${view.onKey}>
                <div class="chat-content__notifications">${model.getNotificationsText()}</div>
                <converse-message-history .model=${model} .messages=${view.messagesDrawn}></converse-message-history>
            </div>${model.ui.get('scrolled')
                ? html`<button type="button" class="to-latest" @click=${() => this.toLatest()}>${unread ? 'New messages' : 'Latest messages'}</button>`
                : ''}`;
        }
    }
    api.elements.define('converse-chat-content', Content);
    api.elements.define('converse-muc-chat-content', class extends Content {});
}
