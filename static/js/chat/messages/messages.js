// How messages look, where Converse's own does not do: a bar beside each with what is
// done most, days by their names, and in words what was edited, removed or read.

import { all, around, byId } from '../../dom.js';
import { locale } from '../../language.js';
import { fetchFilesAgain, fileOf, withFiles } from './files.js';
import { quoteBefore, typedIn } from '../list/entries.js';
import { PIN } from '../elements.js';
import { clock, daysBetween } from '../list/time.js';
import { withLazy, withLazyQuietly } from '../lazy.js';
import { SOMEBODY } from '../people/people.js';
import { withPreviews } from './previews.js';
import { roomPanel } from '../room/roomPanel.js';
import { pinOfMessage } from '../room/pins.js';
import { siteTime } from '../siteTime.js';

const MINUTE_MS = 60_000;
const MAX_NAMES = 12; // of those who reacted alike

/** How days are written, made once: each time that a conversation is drawn, all days of it are written. */
const DATE = /** @type {const} */ ({ weekday: 'long', day: 'numeric', month: 'long' });
const date = new Intl.DateTimeFormat(locale(), DATE);
const dateWithYear = new Intl.DateTimeFormat(locale(), { ...DATE, year: 'numeric' });

/**
 * A day as people say it.
 * @param {Date} day
 * @param {Date} [now] by the site's clock
 */
function dayName(day, now = new Date(siteTime.now())) {
    const ago = daysBetween(day, now);
    const here = locale();
    if (ago === 0 || ago === 1) {
        const name = new Intl.RelativeTimeFormat(here, { numeric: 'auto' }).format(-ago, 'day');
        return name.charAt(0).toLocaleUpperCase(here) + name.slice(1);
    }
    return (day.getFullYear() === now.getFullYear() ? date : dateWithYear).format(day);
}

/**
 * A message's actions. Their elements are made when a pointer, a finger or the keyboard first comes to the message (bar.js): of
 * few it does, and to make and paint them beside all is most of what reading back would cost.
 */
function withBar(api, config, Actions) {
    const { html } = window.converse.env;
    return class extends Actions {
        /** What makes them, once there is need. @type {import('./bar.js').Bar | undefined} */
        bar;

        initialize() {
            if (this.bar) super.initialize(); // which listens for what changes them
        }

        /** Resolves with what can be done, once it can be. @param {Pick<import('../lazyBundle.js'), 'Bar'>} lazy */
        async reach({ Bar }) {
            if (!this.bar) {
                this.bar = new Bar(api, config, this);
                if (this.isConnected) super.initialize();
                this.requestUpdate();
            }
            await this.updateComplete;
            return this.bar;
        }

        requestUpdate(...change) {
            this.asked = (this.asked ?? 0) + 1;
            return super.requestUpdate(...change);
        }

        /** What is drawn stays until what follows is known: so does a menu that is open. */
        async scheduleUpdate() {
            for (let asked; this.bar && asked !== this.asked; ) {
                asked = this.asked;
                this.drawn = await this.bar.draw();
                this.dataset.reached = '';
            }
            const isFocused = this.bar && this.contains(document.activeElement);
            super.scheduleUpdate();
            if (isFocused && !this.contains(document.activeElement)) this.querySelector('button')?.focus();
        }

        render() {
            const enter = () => withLazy((lazy) => this.reach(lazy));
            return this.drawn ?? html`<button type="button" class="message-more" aria-label="Message actions" @focus=${enter} @click=${enter}></button>`;
        }

        /** What was begun is there again after the edit (composer/form.js): Converse would ask whether it may be lost. */
        async onMessageEditButtonClicked(event) {
            if (this.model.collection.findWhere({ correcting: true })) return super.onMessageEditButtonClicked(event);
            event.preventDefault();
            this.model.save('correcting', true);
            return undefined;
        }
    };
}

/** Makes what can be done with a message once the mouse is over it. */
function reachByPointer() {
    byId('chat').addEventListener('pointerover', (event) => {
        const actions = /** @type {any} */ (around(event, 'converse-chat-message')?.querySelector('converse-message-actions'));
        if (actions && !actions.bar) withLazyQuietly((lazy) => actions.reach(lazy));
    }, { passive: true });
}

/** @type {WeakMap<any, {time: string, day: number}>} what dates cost is too much for each message each time */
const days = new WeakMap();

/** When the day of a message began, in ms. */
function dayOf(model) {
    const time = model.get('time');
    const known = days.get(model);
    if (known?.time === time) return known.day;
    const day = new Date(time).setHours(0, 0, 0, 0);
    days.set(model, { time, day });
    return day;
}

/**
 * Pictures that one person sent in a row, by the first of them.
 * @param {(model: any) => boolean} isPicture
 * @returns {Map<any, any[]>}
 */
function rowsOf(messages, isPicture) {
    const rows = new Map();
    let first = null;
    for (const model of messages) {
        if (!isPicture(model)) first = null;
        else if (first && model.isFollowup() && !model.get('reply_to_id')) rows.set(first, [...(rows.get(first) ?? [first]), model]);
        else first = model;
    }
    return rows;
}

/** Whether a message is drawn as one: not what belongs to another that has not come, what stands for a gap, nor a file that went with its page before it was sent. */
export const isShown = ({ file: sending, attributes: { dangling_retraction, dangling_moderation, dangling_reaction, is_only_key, template_hook, file, upload } }) =>
    !(dangling_retraction || dangling_moderation || dangling_reaction || is_only_key || typeof template_hook === 'string' || (file && upload !== 'success' && !sending));

/** Who said a message and when, by which a screen reader tells it from others; nothing of a line of Converse's. */
function labelOf(model) {
    if (!['chat', 'groupchat', 'normal'].includes(model.get('type'))) return undefined;
    return `${model.getDisplayName()}, ${clock.format(new Date(model.get('time')))}`;
}

/**
 * The messages that are the first of a day: of those that are drawn, so that a day stands above what was said on it.
 * @param {any[]} messages some that follow one another
 */
export function firstOfDays(messages) {
    const { models } = messages[0]?.collection ?? { models: [] };
    let at = models.indexOf(messages[0]) - 1;
    while (at >= 0 && !isShown(models[at])) at--;
    let before = at < 0 ? undefined : dayOf(models[at]);
    return new Set(messages.filter(isShown).filter((model) => {
        const day = dayOf(model);
        const isFirst = before === undefined || day > before;
        before = day;
        return isFirst;
    }));
}

/** The history, with the names of days between its messages, and pictures in a row side by side. */
function withDays(config, History) {
    const { html } = window.converse.env;
    const isPicture = (model) => !model.isRetracted?.() && fileOf(config, model)?.kind === 'picture';
    return class extends History {
        connectedCallback() {
            super.connectedCallback();
            this.setAttribute('aria-live', 'off'); // announce.js says what comes
        }

        render() {
            this.rows = rowsOf(this.messages, isPicture);
            this.inRows = new Set([...this.rows.values()].flatMap(([, ...others]) => others));
            this.days = firstOfDays(this.messages);
            return super.render();
        }

        /** Whatever stands beside a message, its element stays the same one, and where it is. */
        renderMessage(model) {
            if (this.inRows.has(model)) return ''; // it is with the first
            if (!isShown(model)) return super.renderMessage(model);
            const row = this.rows.get(model)?.map((each) => this.renderOne(each));
            const day = this.days.has(model) ? this.renderDay(new Date(model.get('time'))) : '';
            return html`${day}${row ? html`<div class="pictures">${row}</div>` : this.renderOne(model)}`;
        }

        /** A message: after one of the same person it has no name of its own. */
        renderOne(model) {
            const { models } = this.model.messages;
            const before = models[models.indexOf(model) - 1];
            return html`<converse-chat-message .model_with_messages=${this.model} .model=${model} .after=${before?.isRetracted?.() || before}></converse-chat-message>`;
        }

        /** @param {Date} day */
        renderDay(day) {
            return html`<div class="message date-separator" data-isodate=${day.toISOString()}>
                <hr class="separator"><time class="separator-text" datetime=${day.toISOString()}>${dayName(day)}</time>
            </div>`;
        }
    };
}

/** After midnight days have other names, in a page that is left open as in one that wakes. */
export function renameDays() {
    const today = () => new Date(siteTime.now()).toDateString();
    let named = today();
    const look = () => {
        if (document.hidden || named === today()) return; // nor in a page that goes away
        named = today();
        for (const history of all('converse-message-history')) /** @type {any} */ (history).requestUpdate();
    };
    setInterval(look, MINUTE_MS);
    document.addEventListener('visibilitychange', look);
}

/** Whether it is told how far a message of one's own got, and that it was read, as a class of its element; outbox.js says how far. */
function deliveryOf(model) {
    if (model.get('sender') !== 'me' || model.get('type') !== 'chat' || model.isRetracted()) return [];
    return [model.get('marker_displayed') ? 'chat-msg--read' : 'chat-msg--sent'];
}

/** The sign of what is pinned. */
export const pinSign = () => window.converse.env.html`<svg class="message-sign" viewBox="0 0 24 24" width="1em" height="1em" aria-hidden="true"><path fill="currentColor" d=${PIN}/></svg>`;

/** The line that says who pinned a message. */
export function pinMark(message) {
    const pin = pinOfMessage(message);
    return pin ? window.converse.env.html`<button type="button" class="pin-mark" @click=${() => roomPanel.open('pinned')}>${pinSign()}Pinned by ${pin.by}</button>` : '';
}

/** Messages with that line above them; above an answer it stands with what that answers (replies.js). */
function withPins(Message) {
    const { html } = window.converse.env;
    return class extends Message {
        renderMessageText() {
            return html`${this.model.get('reply_to_id') ? '' : pinMark(this.model)}${super.renderMessageText()}`;
        }
    };
}

/** Messages with classes for what style sheets tell apart, and plain words for what was removed. */
function withStates(Message) {
    return class extends Message {
        /** Drawn again when another one comes to stand before it: it has a name above it, or none. */
        static properties = { after: { type: Object } };

        /** With each name that comes late, too. */
        updated(changed) {
            super.updated(changed);
            this.querySelector('.chat-msg__author > a')?.setAttribute('dir', 'auto'); // cut where its own script ends
            const deleted = this.querySelector('.retraction');
            if (deleted) deleted.after(this.querySelector('.chat-msg__time')); // it runs on as text
            const label = labelOf(this.model);
            if (!label) return;
            this.setAttribute('role', 'article');
            this.setAttribute('aria-label', label);
        }

        getExtraMessageClasses() {
            return [super.getExtraMessageClasses(), `chat-msg--of-${this.model.get('sender')}`, ...deliveryOf(this.model)].join(' ');
        }

        getRetractionText() {
            if (this.model.get('moderated_by')) return 'A moderator deleted a message.'; // whose it was is not kept everywhere
            return this.model.get('sender') === 'me' ? 'You deleted your message.' : `${this.model.getDisplayName()} deleted their message.`;
        }
    };
}

/** Says where in what is shown those stand who are named: Converse tells where in the body, of which an answer shows no more than its end. */
function withNames(Body) {
    return class extends Body {
        render() {
            const { model } = this;
            const { references } = model.attributes;
            const quote = quoteBefore(model);
            if (!quote || !references?.length) return super.render();
            model.attributes.references = references.map((each) => ({ ...each, begin: each.begin - quote, end: each.end - quote }));
            const drawn = super.render();
            model.attributes.references = references;
            return drawn;
        }
    };
}

/** Marks who is named, where they are: Converse makes empty marks before them, and takes all styling behind them for none. */
function markNames(text) {
    const { html } = window.converse.env;
    const names = text.mentions
        .map(({ begin, end, ...name }) => ({ ...name, begin: begin - text.offset, end: end - text.offset }))
        .filter(({ begin, end, value }) => begin >= 0 && end <= text.length && (!value || text.slice(begin, end) === value));
    text.mentions = names.map(({ begin, end }) => ({ begin, end: end - begin })); // of it, as many letters are left alone as `end` says
    text.addMentions = () => {
        for (const { begin, end, uri } of names) {
            if (text.references.some((drawn) => drawn.begin < end && begin < drawn.end)) continue;
            const name = text.slice(begin, end);
            text.addTemplateResult(begin, end, html`<span class="mention ${name === text.nick ? 'mention--self' : ''} ${text.slice(0, begin).endsWith('@') ? '' : 'mention--bare'}" data-uri=${uri}>${name}</span>`);
        }
    };
}

/** Keeps the blank line between two paragraphs, which Converse takes for none; below code there is none but those that somebody made. */
export function keepBlankLines(text) {
    const said = text.toString();
    for (const { index, 0: run } of said.matchAll(/\n+/g)) {
        const drawn = text.references.find(({ begin, end }) => begin <= index && index <= end);
        const isBelowCode = drawn?.end === index && said.startsWith('```', drawn.begin);
        if (isBelowCode || (run[1] && !(drawn?.end > index))) text.addTemplateResult(index, index + run.length, run.slice(Number(isBelowCode), 2));
    }
}

/**
 * @param {Converse.Private} _converse
 * @param {import('../types.js').ChatConfig} config
 */
export function showMessages(_converse, config) {
    const { api } = _converse;
    // Patch: named
    window.converse.env.u.prefixMentions = typedIn; // what is edited
    api.listen.on('beforeMessageBodyTransformed', markNames);
    api.listen.on('afterMessageBodyTransformed', keepBlankLines);
    const { registry } = api.elements;
    api.elements.define('converse-chat-message-body', withNames(registry['converse-chat-message-body']));
    // Patch: message-bar
    api.elements.define('converse-message-actions', withBar(api, config, registry['converse-message-actions']));
    reachByPointer();
    renameDays();
    fetchFilesAgain(api);
    // Patch: message-days
    api.elements.define('converse-message-history', withDays(config, registry['converse-message-history']));
    // Patch: messages
    api.elements.define('converse-chat-message', withPins(withPreviews(config, withFiles(config, withStates(registry['converse-chat-message'])))));
}

/** What somebody is called who reacted: in a room they may have left it, and what they said stays. */
function nameOf(id, { collection: { chatbox } }) {
    if (id === window.converse.env.u.reactions.getOwnReactionJID(chatbox)) return 'You';
    if (chatbox.get('type') !== 'chatroom') return chatbox.getDisplayName();
    const known = [chatbox.occupants, chatbox.messages].map((all) => all.findWhere({ occupant_id: id })?.get('nick'));
    const address = `${chatbox.get('jid')}/`; // of rooms without ids of people
    return known.find(Boolean) ?? (id.startsWith(address) ? id.slice(address.length) : SOMEBODY);
}

/** Each reaction to a message, and who reacted so. */
export function reactionsOf(message) {
    /** @type {Record<string, string[]>} */
    const names = {};
    for (const [id, all] of Object.entries(message.get('reactions') ?? {})) for (const emoji of all) (names[emoji] ??= []).push(nameOf(id, message));
    return Object.entries(names).map(([emoji, each]) => {
        const more = each.length - MAX_NAMES;
        return { emoji, who: each.slice(0, MAX_NAMES).join(', ') + (more > 0 ? ` and ${more} more` : '') };
    });
}
