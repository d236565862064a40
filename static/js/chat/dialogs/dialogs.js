// What Converse asks for in dialogs of its own, about people and rooms, opens the site's:
// a person's card, and the panel of a room.

import { around, byId } from '../../dom.js';
import { pushOverlay } from './overlayHistory.js';
import { personCard } from '../people/cards.js';
import { withLazy } from '../lazy.js';
import { byAddress, pictureOf, SOMEBODY } from '../people/people.js';
import { roomPanel } from '../room/roomPanel.js';
import { followPins } from '../room/pins.js';
import { isSelf } from '../room/affiliation.js';

/** Parts of the panel, by the dialogs that they stand for. @type {Record<string, import('../room/panel.js').PartName>} */
const PANELS = {
    'converse-muc-details-modal': 'about',
    'converse-muc-config-modal': 'settings',
};

/** What a conversation offers of somebody who is no contact. */
const CONTACT = ['converse-add-contact-modal', 'converse-accept-contact-request-modal'];

/** Whose card is meant. @param {{model?: any, message?: any}} of @returns {import('../people/personCard.js').Subject} */
function ofOccupant({ model: occupant, message }) {
    const room = occupant?.collection?.chatroom ?? message?.collection?.chatbox;
    const name = (occupant ?? message).getDisplayName() || SOMEBODY;
    const here = occupant && occupant.get('presence') !== 'offline' ? occupant : undefined;
    const jid = (occupant?.get('jid') ?? message?.get('from_real_jid'))?.split('/')[0];
    return { name, jid, room, occupant: here, standing: occupant?.get('affiliation'), self: Boolean(occupant && isSelf(occupant)), said: message, picture: pictureOf((occupant ?? message).vcard) };
}

/**
 * Whose card is meant by a name in a message of a room (messages.js): of who goes by it there, or of the account that is named. Who wrote
 * it could call one person by the name of another, so the card has the name that is known.
 * @param {HTMLElement} mention @param {any} room @param {(jid: string) => any} contactAt
 */
export function ofMention({ textContent: name, dataset: { uri = '' } }, room, contactAt) {
    const occupant = room.occupants?.findWhere({ nick: name });
    if (occupant) return ofOccupant({ model: occupant });
    const jid = uri.replace('xmpp:', '');
    const contact = contactAt(jid);
    return contact ? { name: contact.getDisplayName(), jid, room } : { name: name ?? '', room }; // the site is asked who that is
}

/**
 * @param {Converse.Private} _converse
 * @param {import('../types.js').ChatConfig} config
 */
export function showPeopleByName(_converse, config) {
    const { api } = _converse;
    personCard.prepare(_converse, config, roomPanel);
    roomPanel.prepare(_converse, config);
    followPins(_converse);

    const self = () => ({ name: config.name, self: true, picture: pictureOf(_converse.state.profile.vcard) });
    const ofContact = ({ model }) => {
        const of = model?.contact ?? model;
        return { name: of.getDisplayName() || SOMEBODY, jid: model.get('jid'), picture: pictureOf(of.vcard) };
    };
    /** @type {Record<string, (properties: any) => import('../people/personCard.js').Subject>} */
    const cards = { 'converse-user-details-modal': ofContact, 'converse-profile-modal': self, 'converse-muc-occupant-modal': ofOccupant };

    closeQuietly(api.elements.registry['converse-confirm-modal']);
    openAfterClosing(api.modal);
    restoreFocusAfterQuestions();
    nameByTitle();
    const opener = noteOpener();
    byId('chat').addEventListener('click', (event) => {
        const mention = around(event, 'converse-chat-message .mention');
        const said = /** @type {any} */ (mention?.closest('converse-chat-message'));
        if (mention) personCard.show(ofMention(mention, said.model.collection.chatbox, (jid) => byAddress(_converse, jid)), mention);
    });
    const { show } = api.modal;
    // Patch: dialogs
    api.modal.show = (name, properties, event) => {
        if (name in cards) return personCard.show(cards[name](properties), opener());
        if (name in PANELS) return roomPanel.open(PANELS[name]);
        if (CONTACT.includes(name)) return withLazy(({ makeContact }) => makeContact(_converse, /** @type {any} */ (properties).contact)); // its forms show an address
        return show.call(api.modal, name, properties, event);
    };
}

/** What was clicked last in the chat: a card opens beside it. One listener serves every message. */
function noteOpener() {
    /** @type {Element | null} */
    let last = null;
    byId('chat').addEventListener('click', ({ target }) => {
        last = target instanceof Element ? target.closest('a, button, [role="button"]') ?? target : null;
    }, { capture: true });
    return () => last;
}

/** A question that is closed is answered with no; Converse rejects a promise that nobody looks at. */
// Patch: closed-quietly
export function closeQuietly({ prototype }) {
    const { initialize } = prototype;
    prototype.initialize = function () {
        this.addEventListener('hide.bs.modal', () => this.confirmation.resolve(false));
        initialize.call(this);
    };
}

/** A dialog that is asked for while it closes opens again after that; Converse would forget it. */
// Patch: opens-again
export function openAfterClosing(modal) {
    const { show } = modal;
    const closing = new WeakSet();
    document.addEventListener('hide.bs.modal', ({ target }) => closing.add(/** @type {Element} */ (target)));
    modal.show = (name, properties) => {
        const there = modal.get(name);
        if (!closing.has(there)) return show.call(modal, name, properties);
        there.addEventListener('hidden.bs.modal', () => show.call(modal, name, properties), { once: true });
        return there;
    };
}

/** A screen reader says which dialog has opened: Converse gives them a title, and no name. */
function nameByTitle() {
    document.addEventListener('show.bs.modal', async ({ target }) => {
        const dialog = /** @type {any} */ (target);
        await dialog.updateComplete; // another question may be in it than before
        dialog.setAttribute('aria-label', dialog.querySelector('.modal-title')?.textContent.trim() ?? '');
    });
}

/** What had the focus before a question has it again after it, which Converse leaves to nobody; or what stands around it, where it is gone. */
function restoreFocusAfterQuestions() {
    const around = () => document.querySelector('#room-panel:not([hidden]) [role="tab"][aria-selected="true"]') ?? document.querySelector('#chat textarea.chat-textarea');
    document.addEventListener('show.bs.modal', ({ target: dialog }) => {
        const had = /** @type {HTMLElement} */ (document.activeElement);
        const restoreFocus = () => {
            const now = document.activeElement;
            if (now !== document.body && now !== dialog) return;
            had.focus();
            if (document.activeElement !== had || had === document.body) /** @type {HTMLElement | null} */ (around())?.focus(); // it is gone, or its menu is closed
        };
        dialog?.addEventListener('hidden.bs.modal', restoreFocus, { once: true }); // it has left the page by then
        dialog?.addEventListener('hide.bs.modal', pushOverlay(() => /** @type {any} */ (dialog).modal.hide()), { once: true });
    });
}
