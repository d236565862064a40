// The panel of a room: what it is about, what is pinned, its people, its files, its settings. It stands
// beside the conversation where there is room, and over it on a phone. It stays open from
// page to page and from room to room, until somebody closes it.

import { all, byId } from '../../dom.js';
import { pushOverlay } from '../dialogs/overlayHistory.js';
import { About } from './about.js';
import { Files } from './files.js';
import { Members } from './members.js';
import { Pinned } from './pinned.js';
import { canPin } from './pins.js';
import { Settings } from './settings.js';
import { keepPart, keptPart } from './roomPanel.js';
import { isOwner } from './affiliation.js';
import { isRoom } from '../boxes.js';

const REDRAW_DELAY_MS = 120; // people of large rooms come one by one

/** @typedef {'about' | 'pinned' | 'members' | 'files' | 'settings'} PartName */

/** The room that is in sight, if it is one. @returns {Converse.Room | null} */
const openRoom = (_converse) => _converse.state.chatboxes?.models.find((box) => isRoom(box) && !box.get('hidden') && !box.get('closed')) ?? null;

export class RoomPanel {
    /** @type {Converse.Room | null} */
    room = null;
    /** @type {PartName | ''} */
    part = '';
    /** @type {Element | null} what had the focus before it opened */
    opener = null;
    byHand = false; // somebody opened it here: it may cover the conversation
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    waiting;
    /** @type {(() => void) | undefined} to be called when it does not cover the conversation any more */
    uncover;

    /**
     * @param {Converse.Private} _converse
     * @param {import('../types.js').ChatConfig} config
     */
    constructor(_converse, config) {
        this._converse = _converse;
        this.element = Object.assign(document.createElement('section'), { id: 'room-panel', className: 'room-panel', hidden: true, tabIndex: -1 });
        byId('conversations').parentElement?.append(this.element);
        this.parts = {
            about: new About(_converse, config, this),
            pinned: new Pinned(_converse, config, this),
            members: new Members(_converse, config, this),
            files: new Files(_converse, config, this),
            settings: new Settings(_converse, config, this),
        };
        this.element.addEventListener('keydown', (event) => this.#onKey(event));
        this.#follow();
        new ResizeObserver(() => this.soon()).observe(byId('chat')); // a phone is turned, and it covers the conversation, or no longer does
    }

    /** The part that is drawn: not every room has each, or says at once that it has. */
    get shown() {
        const { part, room } = this;
        return room && ((part === 'settings' && !isOwner(room)) || (part === 'pinned' && !canPin(room))) ? 'about' : part;
    }

    /** Follows which room is in sight, and what happens in it. */
    #follow() {
        const { _converse } = this;
        const look = () => this.#show(openRoom(_converse));
        const kept = keptPart();
        if (kept in this.parts) this.part = /** @type {PartName} */ (kept);
        const followChats = () => _converse.state.chatboxes.on('add remove reset change:hidden change:closed', look);
        _converse.api.listen.on('chatBoxesInitialized', followChats);
        _converse.api.listen.on('chatRoomInitialized', (room) => {
            if (room === this.room) this.#listen('on'); // it has its people and its session only now
            look();
        });
        _converse.api.listen.on('reconnected', () => this.#entry()); // a stream that goes on enters no room
        document.addEventListener('foyer:levels', () => this.soon());
        document.addEventListener('foyer:chat-shown', () => this.soon());
        document.addEventListener('foyer:visit', () => {
            this.byHand = false;
            this.soon();
        });
        if (!_converse.state.chatboxes) return;
        followChats(); // they were there before the panel
        look();
    }

    /** Opens a part, and puts the focus into the panel. @param {PartName} part */
    open(part) {
        if (!this.element.contains(document.activeElement)) this.opener = document.activeElement;
        this.#show(openRoom(this._converse));
        this.byHand = true;
        this.#choose(part);
        this.soon(0);
        if (!this.element.hidden) this.focus();
    }

    /** Puts the focus on the tab of the part that is open. */
    focus() {
        /** @type {HTMLElement} */ (this.element.querySelector('[role="tab"][aria-selected="true"]') ?? this.element).focus();
    }

    /** Opens a part, or closes the panel if that is open already. @param {PartName} part */
    toggle(part) {
        if (this.shown === part && !this.element.hidden) this.close();
        else this.open(part);
    }

    close() {
        const focused = this.element.contains(document.activeElement);
        this.#choose('');
        this.soon(0);
        if (focused) this.#restoreFocus();
    }

    #restoreFocus() {
        const { opener } = this;
        const back = opener instanceof HTMLElement && opener.isConnected && opener.checkVisibility() && opener !== document.body ? opener : byId('chat').querySelector('.head-members');
        /** @type {HTMLElement | null} */ (back)?.focus();
        this.opener = null;
    }

    /** @param {PartName | ''} part */
    #choose(part) {
        if (part) this.parts[part].opened();
        this.part = part;
        keepPart(part);
    }

    /** @param {Converse.Room | null} room */
    #show(room) {
        if (room === this.room) return;
        if (this.room) this.#listen('off');
        this.room = room;
        this.byHand = false;
        for (const part of Object.values(this.parts)) part.enter();
        if (room) this.#listen('on');
        if (room && this.shown) this.parts[this.shown].opened();
        this.soon(0);
    }

    #later = () => this.soon();
    #entry = () => {
        const { members, settings } = this.parts;
        if (this.shown === 'settings') settings.askAgain();
        if (!members.config.follow && this.part === 'members' && this.room?.isEntered()) members.load(); // another server tells those who are there
        this.soon();
    };
    #people = () => {
        this.parts.members.changed();
        this.soon();
    };

    /** @param {'on' | 'off'} how */
    #listen(how) {
        const room = /** @type {Converse.Room} */ (this.room);
        if (how === 'on') this.#listen('off'); // never twice
        room[how]('change foyer:pins', this.#later);
        room.features?.[how]('change', this.#later);
        room.config?.[how]('change', this.#later);
        room.session?.[how]('change:connection_status', this.#entry);
        room.occupants?.[how]('add remove reset change vcard:add vcard:change', this.#people);
    }

    /** Draws it again, once for many changes. */
    soon(wait = REDRAW_DELAY_MS) {
        if (wait === 0) {
            clearTimeout(this.waiting);
            this.waiting = undefined;
            return this.#draw();
        }
        this.waiting ??= setTimeout(() => {
            this.waiting = undefined;
            this.#draw();
        }, wait);
    }

    #draw() {
        const { element, room, shown } = this;
        const { html, render } = window.converse.env;
        const hadFocus = element.contains(document.activeElement);
        const covers = getComputedStyle(element).position === 'absolute';
        element.hidden = !room || !shown || (covers && !this.byHand);
        byId('chat').classList.toggle('has-room-panel', !element.hidden);
        // What it covers on a phone cannot be reached meanwhile.
        for (const other of all('#conversations, #conversejs converse-chats')) other.inert = covers && !element.hidden;
        if (covers && !element.hidden) this.uncover ??= pushOverlay(() => this.close());
        else this.uncover = void this.uncover?.();
        if (element.hidden || !room || !shown) return;
        element.setAttribute('aria-label', `About ${room.getDisplayName()}`);
        /** @type {[PartName, string][]} */
        const tabs = [['about', 'About'], ['members', 'Members'], ['files', 'Files']];
        if (canPin(room)) tabs.splice(1, 0, ['pinned', 'Pinned']);
        if (isOwner(room)) tabs.push(['settings', 'Settings']);
        render(html`
            <header class="room-panel__head">
                <button type="button" class="room-panel__back" aria-label="Back to the conversation" @click=${() => this.close()}></button>
                <h2>${room.getDisplayName()}</h2>
                <button type="button" class="room-panel__close" aria-label="Close" @click=${() => this.close()}></button>
            </header>
            <div class="room-panel__tabs" role="tablist" aria-label="About this room">
                ${tabs.map(([name, label]) => this.#tab(name, label))}
            </div>
            <div class="room-panel__part room-panel__part--${shown}" role="tabpanel" id="room-panel-part" aria-labelledby="room-tab-${shown}">
                ${this.parts[shown].render(room)}
            </div>`, element);
        this.parts[shown].drawn();
        if (hadFocus && !element.contains(document.activeElement)) this.focus(); // what had it is gone, as the button that unpinned a message
    }

    #tab(name, label) {
        const { html } = window.converse.env;
        const chosen = name === this.shown;
        return html`<button type="button" role="tab" id="room-tab-${name}" aria-controls="room-panel-part" aria-selected=${String(chosen)} tabindex=${chosen ? 0 : -1}
            @click=${() => this.#go(name)}>${label}</button>`;
    }

    /** @param {PartName} name */
    #go(name) {
        this.#choose(name);
        this.soon(0);
    }

    /** @param {KeyboardEvent} event */
    #onKey(event) {
        if (event.key !== 'Escape' || event.defaultPrevented) return;
        event.preventDefault();
        if (!this.parts[/** @type {PartName} */ (this.shown)].escape()) this.close();
    }
}
