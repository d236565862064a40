// The chat by keyboard (WCAG 2.1.1, 2.1.2). Converse keeps Tab in its composers, and
// Enter and the arrow keys from its menus and its emoji. So these keys are taken
// before they get there: menus work as menus do, and everything else as the browser
// does it by itself.

import { byId } from '../../dom.js';

const MENU = 'converse-dropdown, converse-emoji-dropdown';

// What has a click and no other way to it.
const CLICKABLE = 'a.show-msg-author-modal:not(:has(converse-avatar)), converse-controlbox-navback, a.switch-chat, converse-chat-message .mention';

const isShown = (element) => element.checkVisibility();
const items = (menu) => [...menu.querySelectorAll('.dropdown-menu .dropdown-item')].filter(isShown);
const isOpen = (menu) => Boolean(menu.querySelector(':scope > .dropdown-menu.show'));
const isEmojiMenu = (menu) => menu.matches('converse-emoji-dropdown');

/** The one after or before, or at an end. */
function step(list, current, key) {
    const at = list.indexOf(current);
    const to = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: -1 }[key];
    return to === undefined ? null : list.at(to < list.length ? to : 0);
}

/** The nearest one in the row above or below. */
function nearest(list, current, key) {
    const from = current.getBoundingClientRect();
    const away = (element) => {
        const to = element.getBoundingClientRect();
        const rows = (key === 'ArrowDown' ? to.top - from.top : from.top - to.top) / from.height;
        return rows < 0.5 ? Infinity : rows * 1000 + Math.abs(to.left - from.left);
    };
    const [best] = list.map((element) => [away(element), element]).sort(([a], [b]) => a - b);
    return best?.[0] === Infinity ? null : best?.[1];
}

/** A button that opens a menu, or the menu itself. @returns {boolean} whether the key was for it */
function onMenuKey(event, menu) {
    const { key, target } = event;
    const toggle = menu.querySelector('.dropdown-toggle');
    if (target === toggle && ['ArrowDown', 'ArrowUp'].includes(key)) {
        menu.show();
        focusFirst(menu);
    } else if (target === toggle && ['Enter', ' '].includes(key)) {
        menu.toggle();
        if (isOpen(menu)) focusFirst(menu);
    } else if (key === 'Escape' && isOpen(menu)) {
        menu.hide();
        toggle.focus();
    } else if (key === 'Tab' && isOpen(menu) && !isEmojiMenu(menu)) {
        menu.hide();
        return false;
    } else if (target.matches('.dropdown-item')) {
        if (key === 'Enter' || key === ' ') target.click();
        else {
            const next = step(items(menu), target, key);
            if (!next) return false;
            next.focus();
        }
    } else return false;
    event.preventDefault();
    return true;
}

function focusFirst(menu) {
    if (!isEmojiMenu(menu)) items(menu)[0]?.focus(); // the emoji's own puts it into the search
}

/** Moves among emoji, their categories, and the search above them. @returns {boolean} whether the key was for it */
function onEmojiKey(event, picker) {
    const { key, target } = event;
    const emoji = () => [...picker.querySelectorAll('.insert-emoji:not(.hidden) a')].filter(isShown);
    const categories = () => [...picker.querySelectorAll('.pick-category')];
    let next = null;
    if (target.matches('.emoji-search')) {
        if (key === 'ArrowDown') next = emoji()[0];
        else return false;
    } else if (target.matches('.insert-emoji a')) {
        if (key === 'ArrowDown' || key === 'ArrowUp') next = nearest(emoji(), target, key) ?? (key === 'ArrowUp' ? picker.querySelector('.emoji-search') : target);
        else next = step(emoji(), target, key);
    } else if (target.matches('.pick-category')) {
        next = key === 'ArrowDown' ? emoji()[0] : key === 'ArrowUp' ? picker.querySelector('.emoji-search') : step(categories(), target, key);
    }
    if (!next) return false;
    next.focus();
    event.preventDefault();
    return true;
}

/** Whether Converse is to have this key. */
function isConverses(event) {
    const { key, target } = event;
    const suggesting = target.closest('.suggestion-box')?.querySelector('.suggestion-box__results:not([hidden]) [aria-selected="true"]');
    if (suggesting) return true;
    if (key === 'Tab') return !target.matches('textarea, input');
    return !(key === 'Enter' && target.matches('converse-emoji-picker a, .dropdown-toggle'));
}

function onKey(event) {
    const { target, key } = event;
    const picker = target.closest('converse-emoji-picker');
    const menu = target.closest(MENU);
    if ((picker && onEmojiKey(event, picker)) || (menu && onMenuKey(event, menu)) || !isConverses(event)) {
        event.stopPropagation();
    } else if (target.matches(CLICKABLE) && (key === 'Enter' || key === ' ')) {
        event.preventDefault();
        (target.querySelector('converse-icon') ?? target).click(); // which hears it on the way back to the list
    }
}

/** Gives the focus back to the button of a menu that closed around it. */
function onMenuHidden(event) {
    const menu = event.target.closest(MENU);
    setTimeout(() => {
        const { activeElement } = document;
        if (activeElement === document.body || (menu?.contains(activeElement) && !isShown(activeElement))) menu?.querySelector('.dropdown-toggle')?.focus();
    });
}

/** @param {Element} root */
// Patch: reachable
function makeReachable(root) {
    for (const element of /** @type {HTMLElement[]} */ ([root, ...root.querySelectorAll(CLICKABLE)])) {
        if (!element.matches(CLICKABLE)) continue; // the root
        if (element.tabIndex === 0 && element.getAttribute('role') === 'button') continue;
        element.tabIndex = 0;
        element.setAttribute('role', 'button');
        if (element.matches('converse-controlbox-navback')) element.setAttribute('aria-label', 'Back to the list');
    }
}

export function installKeyboardAccess() {
    const chat = byId('chat');
    // Patch: keyboard
    chat.addEventListener('keydown', onKey, { capture: true });
    // Patch: menu-focus
    chat.addEventListener('converse:dropdown:hide', onMenuHidden);
    new MutationObserver((changes) => {
        for (const { addedNodes } of changes) for (const node of addedNodes) if (node instanceof Element) makeReachable(node);
    }).observe(chat, { subtree: true, childList: true });
    makeReachable(chat);
}
