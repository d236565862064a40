// A form that comes back with a mistake: what is wrong is in view and has the focus,
// wherever on a long page it is.

import { all } from './dom.js';

// A field before what is said of the whole form, which stands above it.
const FIELD = '#main [aria-invalid="true"]';
const SUMMARY = '#main .wrong, #main .flash.error[role="alert"]';

function showFirstError() {
    const [wrong] = [...all(FIELD), ...all(SUMMARY)];
    if (!wrong) return;
    if (wrong.tabIndex < 0) wrong.tabIndex = -1; // a sentence takes the focus only so
    wrong.focus({ preventScroll: true });
    wrong.scrollIntoView({ block: 'center' });
}

export function showFormErrors() {
    showFirstError();
    // Turbo goes to the top of a page after it showed it.
    document.addEventListener('turbo:render', () => requestAnimationFrame(() => requestAnimationFrame(showFirstError)));
}
