// What few forms have: a password is shown on request, and somebody new is proposed a user name. The pages with such forms
// fetch this (site.js). It imports nothing, so that no page needs more for it.

/** @param {Element} button @param {boolean} shown */
function show(button, shown) {
    button.setAttribute('aria-pressed', String(shown));
    const field = /** @type {HTMLInputElement} */ (button.parentElement?.querySelector('input'));
    field.spellcheck = false; // some browsers would send what can be read to a service that looks for mistakes
    field.autocapitalize = 'none';
    field.type = shown ? 'text' : 'password';
}

document.addEventListener('click', ({ target }) => {
    const button = target instanceof Element && target.closest('[data-show]');
    if (button) show(button, button.getAttribute('aria-pressed') !== 'true');
});

/** What is sent was a password all the time, for browsers that keep what people type. */
function hideAll() {
    for (const button of document.querySelectorAll('[data-show][aria-pressed="true"]')) show(button, false);
}

document.addEventListener('submit', hideAll, true);
addEventListener('pagehide', hideAll); // and for whoever comes back to the page

/** A user name after a name, as the site takes them (app/auth/username.go). @param {string} name @param {number} most characters */
export function usernameFor(name, most) {
    const plain = name.normalize('NFKD').replace(/(?<=\p{Script=Latin})\p{M}+/gu, '').normalize('NFC').toLowerCase().replaceAll('ß', 'ss');
    const words = plain.replace(/['’]/g, '').split(/[^\p{L}\p{M}\p{Nd}]+/u).filter((word) => /^[^\p{M}]/u.test(word));
    return [...words.join('.')].slice(0, most).join('').replace(/\.$/, '');
}

// As long as the field has what was proposed last, which at first is nothing: somebody who types there decides.
document.addEventListener('input', ({ target }) => {
    const form = target instanceof HTMLInputElement && target.name === 'name' && target.form;
    if (!form || form.dataset.propose === undefined) return;
    const field = /** @type {HTMLInputElement} */ (form.elements.namedItem('username'));
    if (field.value === form.dataset.propose) field.value = form.dataset.propose = usernameFor(target.value, field.maxLength);
});

function offerToShow() {
    for (const button of document.querySelectorAll('[data-show]')) button.removeAttribute('hidden');
}

offerToShow();
document.addEventListener('foyer:page', offerToShow);
