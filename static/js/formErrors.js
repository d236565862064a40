// A form that comes back with a mistake: what is wrong is in view and has the focus, wherever on a long page it is. So has
// the part of a page that says what was done: Turbo does not know of the address's part after #, to which the site leads.

import { all } from './dom.js';

// A field before what is said of the whole form, which stands above it.
const FIELD = '#main [aria-invalid="true"]';
const SUMMARY = '#main .wrong, #main .flash.error[role="alert"]';
const DONE = '#main [data-said]';

function showAnswer() {
    const [wrong] = [...all(FIELD), ...all(SUMMARY)];
    const shown = wrong ?? all(DONE)[0];
    if (!shown) return;
    if (shown.tabIndex < 0) shown.tabIndex = -1; // a sentence takes the focus only so
    shown.focus({ preventScroll: true });
    shown.scrollIntoView({ block: wrong ? 'center' : 'start' });
}

export function showFormErrors() {
    showAnswer();
    // Turbo goes to the top of a page after it showed it.
    document.addEventListener('turbo:render', () => requestAnimationFrame(() => requestAnimationFrame(showAnswer)));
}
