// A menu closes when something in it was chosen, after the choice was carried out:
// what opens beside the menu, such as the reactions, has to find it open. Converse
// leaves it open, over what was asked for. One among several choices stays in sight. The
// emoji for a reaction, which are a menu as well, Converse closes by a click that nobody
// keeps to themselves, and by nothing else.

import { all, around, byId } from '../../dom.js';

// Patch: menus-close
export function closeMenus() {
    byId('chat').addEventListener('click', (event) => {
        const menu = around(event, 'converse-dropdown .dropdown-item:not([role="radio"])')?.closest('converse-dropdown');
        if (menu) setTimeout(() => /** @type {any} */ (menu).hide());
    }, { capture: true }); // some entries keep the click to themselves
}

/** The emoji for a reaction close by Escape, by the button that showed them, and when another menu opens. */
// Patch: reactions-close
export function closeReactions() {
    const chat = byId('chat');
    const open = () => /** @type {any[]} */ (all('converse-message-actions converse-reaction-picker', chat)).filter(({ opened }) => opened);
    const button = '.chat-msg__action-reaction';
    chat.addEventListener('converse:dropdown:show', (event) => {
        for (const picker of open()) if (!picker.contains(event.target)) picker.close();
    });
    chat.addEventListener('click', (event) => {
        const pickers = open().filter((picker) => around(event, button)?.closest('converse-message-actions')?.contains(picker));
        if (!pickers.length) return;
        event.stopPropagation(); // it would show them again
        pickers[0].close();
    }, { capture: true });
    chat.addEventListener('keydown', (event) => {
        const [picker] = event.key === 'Escape' ? open() : [];
        if (!picker) return;
        event.preventDefault();
        event.stopImmediatePropagation();
        picker.close();
        picker.closest('converse-message-actions').querySelector(button)?.focus();
    }, { capture: true });
}

/** Where there is a mouse as well, a touch on a message shows its bar, which may come to lie under the finger: that same touch presses nothing in it. */
export function showBarFirst() {
    const chat = byId('chat');
    /** @type {EventTarget | null} */
    let pressed = null;
    chat.addEventListener('pointerdown', (event) => (pressed = event.target), { capture: true });
    chat.addEventListener('click', (event) => {
        const bar = around(event, '.message-bar');
        if (!bar || event.pointerType !== 'touch' || bar.contains(/** @type {Node | null} */ (pressed))) return;
        event.preventDefault();
        event.stopPropagation();
    }, { capture: true });
}
