// A menu closes when something in it was chosen. Converse leaves it open, over
// what was asked for.

import { around, byId } from '../dom.js';

export function closeMenus() {
    byId('chat').addEventListener('click', (event) => {
        const menu = around(event, 'converse-dropdown .dropdown-item')?.closest('converse-dropdown');
        /** @type {any} */ (menu)?.hide();
    }, { capture: true }); // some entries keep the click to themselves
}
