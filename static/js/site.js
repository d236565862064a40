// The site's entry: page changes, small conveniences, and the chat where the
// page has one. Everything but the chat works without this.

import { keepChatAcrossPages } from './pages.js';
import { startChat } from './chat/boot.js';
import { forgetPeople } from './chat/forget.js';
import { all, around } from './dom.js';

keepChatAcrossPages();

/** Fills in a demo account (development only). */
document.addEventListener('click', (event) => {
    const button = around(event, '[data-fill-user]');
    if (!button) return;
    const field = (name) => /** @type {HTMLInputElement} */ (document.querySelector(`form[action="/signin"] [name="${name}"]`));
    field('username').value = button.dataset.fillUser ?? '';
    field('password').value = button.dataset.fillPassword ?? '';
    all('form[action="/signin"] button[type="submit"]')[0]?.focus();
});

/** Closes the account menu on a click elsewhere, and with Escape. */
document.addEventListener('click', (event) => {
    const inside = around(event, 'details.menu');
    for (const menu of all('details.menu[open]')) {
        if (menu !== inside) menu.removeAttribute('open');
    }
});
document.addEventListener('keydown', (event) => {
    const [menu] = event.key === 'Escape' ? all('details.menu[open]') : [];
    if (!menu) return;
    menu.removeAttribute('open');
    menu.querySelector('summary')?.focus();
});

/** Narrows the list of people to what is typed. */
document.addEventListener('input', (event) => {
    const input = around(event, '[data-find] input');
    if (!(input instanceof HTMLInputElement)) return;
    const wanted = input.value.trim().toLocaleLowerCase();
    const people = all('.person[data-name]'); // rooms are listed alike
    for (const person of people) person.hidden = !person.dataset.name?.toLocaleLowerCase().includes(wanted);
    for (const nobody of all('[data-nobody]')) nobody.hidden = people.some((person) => !person.hidden);
});

function onPage() {
    for (const find of all('[data-find]')) find.hidden = all('.person[data-name]').length < 6;
}
document.addEventListener('foyer:page', onPage);
onPage();

const configured = document.getElementById('chat-config');
const config = configured ? JSON.parse(configured.textContent ?? '') : null;
forgetPeople(config?.jid).catch(() => {}); // the next page tries again
if (config) startChat(config);
