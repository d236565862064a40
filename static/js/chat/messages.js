// How messages look, where Converse's own does not do: a bar beside each with what is
// done most, days by their names, and in words what was edited, removed or read.

import { locale } from '../language.js';
import { addressOf } from './conversation.js';
import { fileOf, withFiles } from './files.js';
import { PIN } from './list/row.js';
import { clock } from './list/time.js';
import { panel } from './panel.js';
import { withPreviews } from './previews.js';
import { roomPanel } from './room/roomPanel.js';
import { isPinnable, mayPin, pinOfMessage, setPinned } from './room/pins.js';

const DAY = 24 * 60 * 60 * 1000; // ms

// What stands in the bar itself; the rest is in its menu.
const QUICK = ['reaction', 'reply'];

// What the site calls an action; Converse's words are the protocol's.
/** @type {Record<string, string>} */
const LABELS = { reaction: 'React', retract: 'Delete', hide: 'Hide the picture', copy: 'Copy text' };

/** The order of the others; one that Converse has besides them stands before the last, which destroys. */
const ORDER = ['copy', 'edit', 'quote', 'link', 'hide', 'pin', '', 'retract'];
const place = ({ name }) => ORDER.indexOf(ORDER.includes(name) ? name : '');

/** How days are written, made once: each time that a conversation is drawn, all days of it are written. */
const DATE = /** @type {const} */ ({ weekday: 'long', day: 'numeric', month: 'long' });
const date = new Intl.DateTimeFormat(locale(), DATE);
const dateWithYear = new Intl.DateTimeFormat(locale(), { ...DATE, year: 'numeric' });

/**
 * A day as people say it.
 * @param {Date} day
 * @param {Date} [now]
 */
function dayName(day, now = new Date()) {
    const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
    const ago = Math.round((midnight(now) - midnight(day)) / DAY);
    const here = locale();
    if (ago === 0 || ago === 1) {
        const name = new Intl.RelativeTimeFormat(here, { numeric: 'auto' }).format(-ago, 'day');
        return name.charAt(0).toLocaleUpperCase(here) + name.slice(1);
    }
    return (day.getFullYear() === now.getFullYear() ? date : dateWithYear).format(day);
}

/**
 * The address of a message in a room, which is the same for everybody there; between two
 * people each has another. null: it is not in the archive, as far as the page knows.
 */
function linkTo(config, model) {
    const room = model.get('type') === 'groupchat' && model.get('from')?.split('/')[0];
    const id = room && !model.isRetracted?.() && model.get(`stanza_id ${room}`);
    return id ? new URL(`${addressOf(config, room)}?at=${encodeURIComponent(id)}`, location.origin).href : null;
}

const pinSign = () => window.converse.env.html`<svg class="message-sign" viewBox="0 0 24 24" width="1em" height="1em" aria-hidden="true"><path fill="currentColor" d=${PIN}/></svg>`;

/** Two links of a chain. */
const linkSign = () => window.converse.env.html`<svg class="message-sign" viewBox="0 0 24 24" width="1em" height="1em" aria-hidden="true">
    <g fill="none" stroke="currentColor" stroke-width="2.4" transform="rotate(-45 12 12)"><rect x="0" y="8" width="13" height="8" rx="4"/><rect x="11" y="8" width="13" height="8" rx="4"/></g></svg>`;

/** What copies that address. */
const copyLink = (link) => ({
    name: 'link',
    i18n_text: 'Copy link',
    sign: linkSign(),
    button_class: 'chat-msg__action-link',
    handler: (event) => {
        event.preventDefault();
        navigator.clipboard.writeText(link).then(() => panel.warn('link'), () => panel.warn('link', 'The link could not be copied.'));
    },
});

/** What pins a message of a room, or unpins it, for those who may. */
function pinning(api, model) {
    const room = model.collection?.chatbox; // it may have been removed while its actions were put together
    if (!isPinnable(model) || !mayPin(room)) return [];
    const pin = pinOfMessage(model);
    const id = pin?.id ?? model.get(`stanza_id ${room.get('jid')}`);
    return [{
        name: 'pin',
        i18n_text: pin ? 'Unpin' : 'Pin to room',
        sign: pinSign(),
        button_class: 'chat-msg__action-pin',
        handler: (event) => {
            event.preventDefault();
            return setPinned(api, room, id, !pin);
        },
    }];
}

/** An entry of a message's menu with a sign that Converse does not have. */
const entry = ({ handler, button_class, sign, i18n_text }) => window.converse.env.html`
    <button type="button" class="dropdown-item chat-msg__action ${button_class}" @click=${handler}>${sign}${i18n_text}</button>`;

/** A message's actions: the quick ones as buttons, the others in a menu. */
function withBar(api, config, Actions) {
    const { html } = window.converse.env;
    const button = ({ i18n_text, handler, button_class, icon_class }) => html`
        <button type="button" class="message-bar__button ${button_class}" title=${i18n_text} aria-label=${i18n_text} @click=${handler}>
            <converse-icon class=${icon_class} size="1em" aria-hidden="true"></converse-icon>
        </button>`;

    return class extends Actions {
        /** What can be done with the message, by the site's words: the quick ones first. */
        async offered() {
            if (!this.model?.collection) return []; // it was removed meanwhile
            const offered = await this.getActionButtons();
            if (!offered.length || !this.model.collection) return [];
            const link = linkTo(config, this.model);
            const all = [...offered, ...pinning(api, this.model), ...(link ? [copyLink(link)] : [])].map((each) => ({ ...each, i18n_text: LABELS[each.name] ?? each.i18n_text }));
            const quick = QUICK.flatMap((name) => all.filter((each) => each.name === name));
            return [...quick, ...all.filter(({ name }) => !QUICK.includes(name)).sort((a, b) => place(a) - place(b))];
        }

        async renderActions() {
            if (!this.model.collection) return ''; // it was removed meanwhile
            const offered = await this.offered();
            const content = await api.hook('getMessageActionContent', this, html``);
            if (!offered.length) return content;
            const quick = offered.filter(({ name }) => QUICK.includes(name));
            const others = offered.filter(({ name }) => !QUICK.includes(name)).map((each) => (each.sign ? entry(each) : Actions.getActionsDropdownItem(each)));
            return html`<div class="message-bar" role="group" aria-label="What to do with this message">
                ${quick.map(button)}
                <converse-dropdown class="chat-msg__actions btn-group dropstart" icon_classes="fa fa-ellipsis-h" .items=${others}></converse-dropdown>
            </div>${content}`;
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

/**
 * Pictures that one person sent in a row, by the first of them.
 * @param {(model: any) => boolean} isPicture
 * @returns {Map<any, any[]>}
 */
function rowsOf(messages, isPicture) {
    const rows = new Map();
    const dayOf = (model) => new Date(model.get('time')).toDateString();
    let first = null;
    for (const model of messages) {
        if (!isPicture(model)) first = null;
        else if (first && model.isFollowup() && dayOf(first) === dayOf(model)) rows.set(first, [...(rows.get(first) ?? [first]), model]);
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
    const dayOf = (model) => model && new Date(model.get('time')).setHours(0, 0, 0, 0);
    const { models } = messages[0]?.collection ?? { models: [] };
    let before = dayOf(models.slice(0, Math.max(0, models.indexOf(messages[0]))).findLast(isShown));
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

        renderOne(model) {
            return html`<converse-chat-message .model_with_messages=${this.model} .model=${model}></converse-chat-message>`;
        }

        /** @param {Date} day */
        renderDay(day) {
            return html`<div class="message date-separator" data-isodate=${day.toISOString()}>
                <hr class="separator"><time class="separator-text" datetime=${day.toISOString()}>${dayName(day)}</time>
            </div>`;
        }
    };
}

/** How far a message of one's own got, as a class of its element. */
function deliveryOf(model) {
    if (model.get('sender') !== 'me' || model.get('type') !== 'chat') return [];
    if (model.get('marker_displayed')) return ['chat-msg--read'];
    return model.get('received') ? ['chat-msg--sent'] : [];
}

/** Messages with a line above them that says who pinned them. */
function withPins(Message) {
    const { html } = window.converse.env;
    return class extends Message {
        renderMessageText() {
            const pin = pinOfMessage(this.model);
            if (!pin) return super.renderMessageText();
            return html`<button type="button" class="pin-mark" @click=${() => roomPanel.open('pinned')}>${pinSign()}Pinned by ${pin.by}</button>${super.renderMessageText()}`;
        }
    };
}

/** Messages with classes for what style sheets tell apart, and plain words for what was removed. */
function withStates(Message) {
    return class extends Message {
        /** With each name that comes late, too. */
        updated(changed) {
            super.updated(changed);
            this.querySelector('.chat-msg__author > a')?.setAttribute('dir', 'auto'); // cut where its own script ends
            const label = labelOf(this.model);
            if (!label) return;
            this.setAttribute('role', 'article');
            this.setAttribute('aria-label', label);
        }

        getExtraMessageClasses() {
            return [super.getExtraMessageClasses(), `chat-msg--of-${this.model.get('sender')}`, ...deliveryOf(this.model)].join(' ');
        }

        getRetractionText() {
            if (this.model.get('moderated_by')) return 'A moderator deleted this message.';
            return this.model.get('sender') === 'me' ? 'You deleted this message.' : `${this.model.getDisplayName()} deleted this message.`;
        }
    };
}

/**
 * @param {Converse.Private} _converse
 * @param {import('./types.js').ChatConfig} config
 */
export function showMessages(_converse, config) {
    const { api } = _converse;
    const { registry } = api.elements;
    // Patch: message-bar
    api.elements.define('converse-message-actions', withBar(api, config, registry['converse-message-actions']));
    // Patch: message-days
    api.elements.define('converse-message-history', withDays(config, registry['converse-message-history']));
    // Patch: messages
    api.elements.define('converse-chat-message', withPins(withPreviews(config, withFiles(config, withStates(registry['converse-chat-message'])))));
}
