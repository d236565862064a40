// A menu closes when something in it was chosen, after the choice was carried out:
// what opens beside the menu, such as the reactions, has to find it open. Converse
// leaves it open, over what was asked for. One among several choices stays in sight.

import { around, byId } from '../../dom.js';

// Patch: menus-close
export function closeMenus() {
    byId('chat').addEventListener('click', (event) => {
        const menu = around(event, 'converse-dropdown .dropdown-item:not([role="radio"])')?.closest('converse-dropdown');
        if (menu) setTimeout(() => /** @type {any} */ (menu).hide());
    }, { capture: true }); // some entries keep the click to themselves
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
