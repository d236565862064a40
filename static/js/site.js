// The site's entry: page changes, small conveniences, and the chat where the
// page has one. Everything but the chat works without this.

import { keepChatAcrossPages } from './pages.js';
import { startChat } from './chat/boot.js';
import { forgetPeople } from './chat/forget.js';

keepChatAcrossPages();

/** Fills in a demo account (development only). */
document.addEventListener('click', (event) => {
    const button = event.target.closest?.('[data-fill-user]');
    if (!button) return;
    const form = document.querySelector('form[action="/signin"]');
    form.elements.username.value = button.dataset.fillUser;
    form.elements.password.value = button.dataset.fillPassword;
    form.querySelector('button[type="submit"]').focus();
});

/** Closes the account menu on a click elsewhere, and with Escape. */
document.addEventListener('click', (event) => {
    for (const menu of document.querySelectorAll('details.menu[open]')) {
        if (!menu.contains(/** @type {Node} */ (event.target))) menu.open = false;
    }
});
document.addEventListener('keydown', (event) => {
    const menu = event.key === 'Escape' && document.querySelector('details.menu[open]');
    if (!menu) return;
    menu.open = false;
    menu.querySelector('summary').focus();
});

/** Narrows the list of people to what is typed. */
document.addEventListener('input', (event) => {
    const find = event.target;
    if (!(find instanceof HTMLInputElement && find.closest('[data-find]'))) return;
    const wanted = find.value.trim().toLocaleLowerCase();
    let shown = 0;
    for (const person of document.querySelectorAll('.person')) {
        person.hidden = !person.dataset.name.toLocaleLowerCase().includes(wanted);
        if (!person.hidden) shown++;
    }
    document.querySelector('[data-nobody]').hidden = shown > 0;
});

function onPage() {
    const find = document.querySelector('[data-find]');
    if (find) find.hidden = document.querySelectorAll('.person').length < 6;
}
document.addEventListener('foyer:page', onPage);
onPage();

const configured = document.getElementById('chat-config');
const config = configured ? JSON.parse(configured.textContent) : null;
forgetPeople(config?.jid).catch(() => {}); // the next page tries again
if (config) startChat(config);
