// Keys for what is done often, and the list of them, which ? opens. One table is both.
// A key alone, such as ?, can be switched off (WCAG 2.1.4): Ctrl+/ opens the list, too.

import { all, around, byId } from '../../dom.js';
import { withLazy } from '../lazy.js';
import { panel } from '../panel.js';
import { roomPanel } from '../room/roomPanel.js';

const OFF = 'foyer-keys-off'; // in the browser's storage: ? is a letter like others
const MAC = /Mac|iPhone|iPad/.test(navigator.platform);

/** @typedef {{keys: string[], what: string, act?: () => unknown}} Shortcut keys such as Alt+Shift+KeyM, by the code of the last */

const click = (selector) => all(selector).find((element) => element.checkVisibility())?.click();
const focus = (selector) => all(selector).find((element) => element.checkVisibility())?.focus();
const step = (by, unread = false) => document.dispatchEvent(new CustomEvent('foyer:step', { detail: { by, unread } }));
const inRoom = () => all('#chat converse-muc').some((element) => element.checkVisibility());

/** Goes to the field above the list, also where the chat is closed, or a conversation stands in the place of the list. */
function findInList() {
    const find = byId('conversations-find');
    if (!panel.visible()) panel.open();
    if (find.checkVisibility()) return find.focus();
    click('#chat converse-controlbox-navback converse-icon');
    requestAnimationFrame(() => find.focus());
    return undefined;
}

/** Presses a button of the latest message. */
function onLatest(selector) {
    const message = all('#chat converse-chat-message').findLast((element) => element.checkVisibility());
    const actions = /** @type {any} */ (message?.querySelector('converse-message-actions'));
    if (actions) withLazy((lazy) => actions.reach(lazy).then(() => actions.querySelector(selector)?.click()));
}

/** Presses a button on top of the conversation, which may have stepped into the menu. */
const inHead = (selector) => /** @type {HTMLElement | null | undefined} */ (all('#chat .chat-head').find((element) => element.checkVisibility())?.querySelector(selector))?.click();

/** What is in the menu on top of the conversation, the focus in it. */
function openMenu() {
    const menu = /** @type {any} */ (all('#chat .chat-head converse-dropdown').find((element) => element.checkVisibility()));
    menu?.show();
    if (menu) all('.dropdown-item', menu).find((element) => element.checkVisibility())?.focus();
}

/** @type {[string, Shortcut[]][]} */
const SHORTCUTS = [
    ['Everywhere', [
        { keys: ['Ctrl+KeyK'], what: 'Search, or go to a person or a room' },
        { keys: ['Alt+ArrowDown'], what: 'The next conversation', act: () => step(1) },
        { keys: ['Alt+ArrowUp'], what: 'The previous conversation', act: () => step(-1) },
        { keys: ['Alt+Shift+ArrowDown'], what: 'The next conversation with something new', act: () => step(1, true) },
        { keys: ['Alt+Shift+KeyL'], what: 'Find a conversation in the list', act: findInList },
        { keys: ['Alt+Shift+KeyN'], what: 'Start a conversation, or make a room', act: () => click('[data-begin]') },
        { keys: ['Escape'], what: 'Close what is open on top' },
        { keys: ['?', 'Ctrl+Slash'], what: 'This list', act: () => toggleList() },
    ]],
    ['Writing', [
        { keys: ['Alt+Shift+KeyC'], what: 'Go to the message field', act: () => focus('#chat textarea.chat-textarea') },
        { keys: ['Enter'], what: 'Send' },
        { keys: ['Shift+Enter'], what: 'A new line' },
        { keys: ['ArrowUp'], what: 'Edit your last message, from an empty field' },
        { keys: ['Alt+Shift+KeyA'], what: 'Add a file', act: () => click('#chat .chat-toolbar button:has(+ .fileupload)') },
        { keys: ['Alt+Shift+KeyS'], what: 'Emoji', act: () => click('#chat .chat-toolbar .toggle-emojis') },
    ]],
    ['In a conversation', [
        { keys: ['Alt+Shift+KeyI'], what: 'About this room, or this person', act: () => (inRoom() ? roomPanel.toggle('about') : click('#chat converse-chat .head-name')) },
        { keys: ['Alt+Shift+KeyM'], what: 'Members of this room', act: () => inRoom() && roomPanel.toggle('members') },
        { keys: ['Alt+Shift+KeyF'], what: 'Files of this room', act: () => inRoom() && roomPanel.toggle('files') },
        { keys: ['Alt+Shift+KeyK'], what: 'Search this conversation', act: () => inHead('.head-search') },
        { keys: ['Alt+Shift+KeyO'], what: 'Its menu: notifications, pin, leave', act: openMenu },
        { keys: ['Alt+Shift+KeyJ'], what: 'Go to the latest message', act: () => click('#chat .to-latest') },
        { keys: ['Alt+Shift+KeyR'], what: 'Reply to the latest message', act: () => onLatest('.message-bar .chat-msg__action-reply') },
        { keys: ['Alt+Shift+KeyE'], what: 'React to the latest message', act: () => onLatest('.message-bar .chat-msg__action-reaction') },
    ]],
    ['In lists and menus', [
        { keys: ['Tab'], what: 'Go to the next part' },
        { keys: ['ArrowUp', 'ArrowDown'], what: 'Go from one to the next' },
        { keys: ['Home', 'End'], what: 'Go to the first, or the last' },
        { keys: ['Enter'], what: 'Choose' },
    ]],
];

/** Where a key alone is a letter. */
const isTyping = (target) => target instanceof Element && target.closest('input:not([type="checkbox"], [type="radio"]), textarea, select, [contenteditable]') !== null;

/** The keys that are pressed, as the table has them. @param {KeyboardEvent} event */
function pressed(event) {
    if (event.key === '?' && !event.altKey && !event.ctrlKey && !event.metaKey) return isTyping(event.target) || localStorage.getItem(OFF) ? '' : '?';
    const parts = [];
    if (MAC ? event.metaKey : event.ctrlKey) parts.push('Ctrl');
    if (event.altKey) parts.push('Alt');
    if (event.shiftKey) parts.push('Shift');
    if (!parts.some((part) => part !== 'Shift') || (event.altKey && event.ctrlKey)) return ''; // AltGr is Ctrl and Alt
    return [...parts, event.code].join('+');
}

/** @type {import('./shortcutList.js').ShortcutList | undefined} made when it is first opened */
let list;
const toggleList = () => withLazy(({ ShortcutList }) => (list ??= new ShortcutList(SHORTCUTS, MAC, OFF)).toggle());

export function offerShortcuts() {
    const byKeys = new Map(SHORTCUTS.flatMap(([, entries]) => entries).flatMap(({ keys, act }) => (act ? keys.map((each) => /** @type {const} */ ([each, act])) : [])));
    document.addEventListener('keydown', (event) => {
        const act = byKeys.get(pressed(event));
        if (!act) return;
        event.preventDefault();
        event.stopPropagation();
        // What is above the page has the keys, except the list itself.
        if (document.querySelector('dialog[open]:not(#shortcuts), .modal.show') || (list?.dialog.open && act !== byKeys.get('?'))) return;
        act();
    }, { capture: true });
    document.addEventListener('click', (event) => around(event, '[data-shortcuts]') && toggleList());
}
