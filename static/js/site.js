// Small conveniences of every page: visitor.js and member.js begin with them. Everything
// works without.

import { showFormErrors } from './formErrors.js';
import { all, around } from './dom.js';
import { locale } from './language.js';
import { SEARCH_DEBOUNCE_MS } from './debounce.js';

showFormErrors();

/** What was said in a room of the page, in the browser's own time: the site knows none but UTC. */
function showTimes() {
    for (const time of document.querySelectorAll('.discussion time')) {
        const at = new Date(time.getAttribute('datetime') ?? '');
        time.textContent = new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeStyle: 'short' }).format(at);
    }
}

showTimes();
document.addEventListener('foyer:page', showTimes);

/** Fills in a demo account (development only). */
document.addEventListener('click', (event) => {
    const button = around(event, '[data-fill-user]');
    if (!button) return;
    const field = (name) => /** @type {HTMLInputElement} */ (document.querySelector(`form[action="/signin"] [name="${name}"]`));
    field('username').value = button.dataset.fillUser ?? '';
    field('password').value = button.dataset.fillPassword ?? '';
    all('form[action="/signin"] button[type="submit"]')[0]?.focus();
});

/** Takes along to a source's own pages that this is a trusted device. */
document.addEventListener('click', (event) => {
    const link = around(event, 'a[data-trip]');
    if (!(link instanceof HTMLAnchorElement)) return;
    const url = new URL(link.href);
    const box = document.querySelector('input[type="checkbox"][name="trusted"]');
    if (box instanceof HTMLInputElement && box.checked) url.searchParams.set('trusted', '1');
    else url.searchParams.delete('trusted');
    link.href = url.href;
});

/** What few pages have to do with: passkeys, passwords, and one's picture. If it does not come, the page does without. */
function fetchMore() {
    if (document.querySelector('[data-passkey]')) import('./passkeys.js').catch(() => {});
    if (document.querySelector('[data-show]')) import('./accountForms.js').catch(() => {});
    if (document.querySelector('[data-picture]')) import('./picture.js').catch(() => {});
}

fetchMore();
document.addEventListener('foyer:page', fetchMore);

/** Closes the account menu. @param {boolean} focus whether the focus goes back to what opens it */
function closeMenu(focus) {
    for (const menu of all('details.menu[open]')) {
        menu.removeAttribute('open');
        if (focus) menu.querySelector('summary')?.focus();
    }
}

// On a click elsewhere, with Escape, and where a dialog opens from it, which gives the focus back.
document.addEventListener('click', (event) => {
    const opensDialog = Boolean(around(event, '[data-shortcuts]'));
    if (opensDialog || !around(event, 'details.menu')) closeMenu(opensDialog);
});
document.addEventListener('keydown', (event) => event.key === 'Escape' && closeMenu(true));

/** @type {ReturnType<typeof setTimeout> | undefined} */
let typing;

/** Looks for what is typed, and shows it in the place of the list. */
document.addEventListener('input', (event) => {
    const input = around(event, '[data-find] input');
    if (!(input instanceof HTMLInputElement && input.form)) return;
    const { form } = input;
    clearTimeout(typing);
    typing = setTimeout(() => {
        // Nothing typed: the page's own list again.
        if (input.value.trim()) form.requestSubmit();
        else document.getElementById(form.dataset.turboFrame ?? '')?.setAttribute('src', location.pathname);
    }, SEARCH_DEBOUNCE_MS);
});
