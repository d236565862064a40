// What can be done with a message: a bar beside it with what is done most, the rest in its menu. It is made when somebody
// first comes to the message (messages.js).

import { addressOf } from '../conversation.js';
import { pinSign } from './messages.js';
import { panel } from '../panel.js';
import { isPinnable, mayPin, pinOfMessage, setPinned } from '../room/pins.js';

// What stands in the bar itself; the rest is in its menu.
const QUICK = ['reaction', 'reply'];

// What the site calls an action; Converse's words are the protocol's.
/** @type {Record<string, string>} */
const LABELS = { reaction: 'React', retract: 'Delete', hide: 'Hide the picture', copy: 'Copy text' };

/** The order of the others; one that Converse has besides them stands before the last, which destroys. */
const ORDER = ['copy', 'edit', 'quote', 'link', 'hide', 'pin', '', 'retract'];
const place = ({ name }) => ORDER.indexOf(ORDER.includes(name) ? name : '');

/**
 * The address of a message in a room, which is the same for everybody there; between two
 * people each has another. null: it is not in the archive, as far as the page knows.
 */
function linkTo(config, model) {
    const room = model.get('type') === 'groupchat' && model.get('from')?.split('/')[0];
    const id = room && !model.isRetracted?.() && model.get(`stanza_id ${room}`);
    return id ? new URL(`${addressOf(config, room)}?at=${encodeURIComponent(id)}`, location.origin).href : null;
}

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

/** A quick one, as a button. */
const button = ({ i18n_text, handler, button_class, icon_class }) => window.converse.env.html`
    <button type="button" class="message-bar__button ${button_class}" title=${i18n_text} aria-label=${i18n_text} @click=${handler}>
        <converse-icon class=${icon_class} size="1em" aria-hidden="true"></converse-icon>
    </button>`;

export class Bar {
    /** @param {any} actions the element of the message's actions */
    constructor(api, config, actions) {
        this.api = api;
        this.config = config;
        this.actions = actions;
    }

    /** What can be done with the message, by the site's words: the quick ones first. */
    async offered() {
        const { api, config, actions } = this;
        const { model } = actions;
        if (!model?.collection) return []; // it was removed meanwhile
        const offered = await actions.getActionButtons();
        if (!offered.length || !model.collection) return [];
        const link = linkTo(config, model);
        const all = [...offered, ...pinning(api, model), ...(link ? [copyLink(link)] : [])].map((each) => ({ ...each, i18n_text: LABELS[each.name] ?? each.i18n_text }));
        const quick = QUICK.flatMap((name) => all.filter((each) => each.name === name));
        return [...quick, ...all.filter(({ name }) => !QUICK.includes(name)).sort((a, b) => place(a) - place(b))];
    }

    async draw() {
        const { html } = window.converse.env;
        const { api, actions } = this;
        if (!actions.model?.collection) return ''; // likewise
        const offered = await this.offered();
        const content = await api.hook('getMessageActionContent', actions, html``);
        if (!offered.length) return content;
        const quick = offered.filter(({ name }) => QUICK.includes(name));
        const others = offered.filter(({ name }) => !QUICK.includes(name)).map((each) => (each.sign ? entry(each) : actions.constructor.getActionsDropdownItem(each)));
        return html`<div class="message-bar" role="group" aria-label="Message actions">
            ${quick.map(button)}
            <converse-dropdown class="chat-msg__actions btn-group dropstart" icon_classes="fa fa-ellipsis-h" .items=${others}></converse-dropdown>
        </div>${content}`;
    }
}
