// A menu closes when something in it was chosen, after the choice was carried out:
// what opens beside the menu, such as the reactions, has to find it open. Converse
// leaves it open, over what was asked for.

import { around, byId } from '../dom.js';

export function closeMenus() {
    byId('chat').addEventListener('click', (event) => {
        const menu = around(event, 'converse-dropdown .dropdown-item')?.closest('converse-dropdown');
        if (menu) setTimeout(() => /** @type {any} */ (menu).hide());
    }, { capture: true }); // some entries keep the click to themselves
}
