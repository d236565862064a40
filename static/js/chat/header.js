// What stands on top of a conversation, in one line: picture, name, who is there, and
// one menu.

import { all } from '../dom.js';
import { followBlocks } from './people/blocking.js';
import { isAround } from './people/people.js';
import { lastSeen } from './people/lastSeen.js';
import { PIN } from './elements.js';
import { roomPanel } from './room/roomPanel.js';
import { pinsOf } from './room/pins.js';
import { isHere } from './room/affiliation.js';

const SEARCH = 'Search this conversation';
const DESTROYS = new Set(['destroy', 'block']);
const COUNT_DELAY_MS = 200; // people of large rooms come one by one

/** How many are in a room, as its page says it (app/rooms.go). */
const hereInWords = (count) => (count === 1 ? 'Only you are here' : `${count} people here`);

/** And of one that one has left, as the site says it (app/rooms.go). */
const othersInWords = (count) => (count === 0 ? 'Nobody is here right now' : count === 1 ? '1 person here' : `${count} people here`);

/** How many are in a room now. */
const peopleHere = (room) => room.occupants.filter(isHere).length;

/** Opens the search for what was said in a conversation. */
const searchIn = ({ model }) =>
    document.dispatchEvent(new CustomEvent('foyer:search', { detail: { jid: model.get('jid'), name: model.getDisplayName() } }));

const magnifier = (size) => window.converse.env.html`<svg viewBox="0 0 24 24" width=${size} height=${size} aria-hidden="true">
    <path fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" d="m20 20-4.5-4.5m2-5a7 7 0 1 1-14 0 7 7 0 0 1 14 0Z"/></svg>`;

/** What can be done with a conversation; who is in a room has a button of its own, and the search where there is room for one. */
async function offered(element) {
    const buttons = (await element.getHeadingButtons()).filter(({ icon_class }) => icon_class !== 'fa-users');
    if (!element.searches) return buttons;
    const handler = (event) => {
        event.preventDefault();
        searchIn(element);
    };
    return [{ name: 'search', i18n_text: SEARCH, a_class: 'head-search-entry', sign: magnifier(16), handler }, ...buttons];
}

function menu(buttons) {
    const { html } = window.converse.env;
    if (!buttons.length) return '';
    const destroysLast = buttons.toSorted((a, b) => Number(DESTROYS.has(a.name)) - Number(DESTROYS.has(b.name)));
    const items = destroysLast.map(({ name, a_class, icon_class, sign, handler, i18n_text, chosen }) => {
        const content = html`${sign ?? html`<converse-icon size="1em" class="fa ${icon_class}" aria-hidden="true"></converse-icon>`}${i18n_text}`;
        return chosen === undefined
            ? html`<a href="#" role="button" class="dropdown-item ${a_class} ${DESTROYS.has(name) ? 'dropdown-item--destroys' : ''}" @click=${handler}>${content}</a>`
            : html`<a href="#" role="radio" aria-checked=${chosen} class="dropdown-item ${a_class}" @click=${handler}>${content}</a>`; // of several that exclude each other
    });
    return html`<converse-dropdown class="chatbox-btn btn-group" icon_classes="fa fa-ellipsis-h" .items=${items}></converse-dropdown>`;
}

/**
 * The line itself, also above what somebody says in private (privateMessages.js).
 * @param {any} element
 * @param {{picture: any, state: unknown, open: (event: Event) => void, back?: unknown, more?: unknown, below?: unknown}} parts
 */
export function line(element, { picture, state, open, back, more, below }) {
    const { html } = window.converse.env;
    const { model } = element;
    const name = model.getDisplayName();
    const search = html`<button type="button" class="btn chatbox-btn head-search" title=${SEARCH} aria-label=${SEARCH} aria-haspopup="dialog" @click=${() => searchIn(element)}>${magnifier(20)}</button>`;
    return html`<div class="chatbox-title">
            ${back ?? html`<converse-controlbox-navback jid=${model.get('jid')}></converse-controlbox-navback>`}
            <button type="button" class="head-picture show-msg-author-modal" tabindex="-1" aria-hidden="true" @click=${open}>
                <converse-avatar .model=${picture} class="avatar" name=${name} nonce=${picture.vcard?.get('vcard_updated')} height="36" width="36"></converse-avatar>
            </button>
            <div class="head-names">
                <div class="chatbox-title__text" role="heading" aria-level="2"><button type="button" class="head-name show-msg-author-modal" dir="auto" @click=${open}>${name}</button></div>
                ${state ? html`<div class="head-state">${state}</div>` : ''}
            </div>
            <div class="chatbox-title__buttons">${element.searches ? search : ''}${more}${element.shownMenu ?? ''}</div>
        </div>
        ${below ?? ''}`;
}

/** Keeps the menu of an element as it was when the element last changed. @param {import('./types.js').ChatConfig} config */
function withMenu(Heading, config) {
    return class extends Heading {
        searches = Boolean(config.search);

        updated(changed) {
            super.updated?.(changed);
            this.refreshMenu();
        }

        async refreshMenu() {
            if (!this.model) return;
            const asked = (this.asked = {});
            const buttons = await offered(this);
            if (asked !== this.asked) return; // something changed meanwhile
            const names = buttons.map(({ name, i18n_text, chosen }) => `${name} ${i18n_text} ${chosen}`).join('\n');
            if (names === this.menuNames) return;
            this.menuNames = names;
            this.shownMenu = menu(buttons);
            this.requestUpdate();
        }
    };
}

function personHeading(api, Heading, config) {
    return class extends withMenu(Heading, config) {
        lastSeen = '';

        initialize() {
            super.initialize();
            this.follow();
            followBlocks(api, this);
        }

        async follow() {
            await this.model.initialized;
            const { presence } = this.model;
            if (!presence) return;
            const look = async () => {
                this.lastSeen = isAround(presence) ? '' : await lastSeen(api, this.model.get('jid'));
                this.requestUpdate();
            };
            this.listenTo(presence, 'change', look); // `show` is there only of those who set it
            this.listenTo(this.model, 'change:hidden', look);
            look();
        }

        render() {
            const { model } = this;
            if (!model) return '';
            return line(this, {
                picture: model.contact ?? model,
                state: this.blocked?.get(model.get('jid')) ? 'Blocked' : isAround(model.presence) ? 'Around' : this.lastSeen,
                open: (event) => this.showUserDetailsModal(event),
            });
        }
    };
}

function roomHeading(api, Heading, config) {
    const { html } = window.converse.env;
    return class extends withMenu(Heading, config) {
        async initialize() {
            await super.initialize();
            this.count();
            this.listenTo(this.model.occupants, 'add remove change:presence change:show reset', () => this.countSoon());
            this.listenTo(this.model, 'foyer:pins', () => this.requestUpdate());
        }

        countSoon() {
            this.counting ??= setTimeout(() => this.count(), COUNT_DELAY_MS);
        }

        count() {
            this.counting = undefined;
            const before = this.here;
            this.here = peopleHere(this.model);
            this.requestUpdate();
            if (this.here) this.tellPage(hereInWords(this.here));
            else if (before) this.tellPage(othersInWords(before - 1)); // left
        }

        /** @param {string} words */
        tellPage(words) {
            for (const row of all('[data-room-here]')) if (row.dataset.roomHere === this.model.get('jid')) row.textContent = words;
        }

        render() {
            const { model } = this;
            if (!model) return '';
            const topic = model.get('subject')?.text;
            const pins = pinsOf(model).length;
            const pinned = pins ? html`<button type="button" class="btn chatbox-btn head-pins" title="Pinned messages" aria-label=${pins === 1 ? '1 pinned message' : `${pins} pinned messages`} @click=${() => roomPanel.toggle('pinned')}>
                <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path fill="currentColor" d=${PIN}/></svg>
            </button>` : '';
            const members = html`<button type="button" class="btn chatbox-btn head-members" title="Members" aria-label="Members" @click=${() => roomPanel.toggle('members')}>
                <converse-icon size="1.1em" class="fa fa-users" aria-hidden="true"></converse-icon>
            </button>`;
            return line(this, {
                picture: model,
                state: this.here ? html`<button type="button" class="head-count" @click=${() => roomPanel.toggle('members')}>${hereInWords(this.here)}</button>` : '',
                open: () => roomPanel.toggle('about'),
                more: [pinned, members],
                below: topic && html`<p class="chat-head__desc"><converse-texture text=${topic} render_styling></converse-texture></p>`,
            });
        }
    };
}

/**
 * @param {Converse.Private} _converse
 * @param {import('./types.js').ChatConfig} config
 */
export function showHeaders(_converse, config) {
    const { api } = _converse;
    const { registry } = api.elements;
    // Patch: person-heading
    api.elements.define('converse-chat-heading', personHeading(api, registry['converse-chat-heading'], config));
    // Patch: room-heading
    api.elements.define('converse-muc-heading', roomHeading(api, registry['converse-muc-heading'], config));
}
