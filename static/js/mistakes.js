// A form that comes back with a mistake: what is wrong is in view and has the focus,
// wherever on a long page it is.

import { all } from './dom.js';

const WRONG = '#main [aria-invalid="true"], #main .wrong, #main .flash.error[role="alert"]';

function showMistake() {
    const [wrong] = all(WRONG);
    if (!wrong) return;
    if (wrong.tabIndex < 0) wrong.tabIndex = -1; // a sentence takes the focus only so
    wrong.focus({ preventScroll: true });
    wrong.scrollIntoView({ block: 'center' });
}

export function showMistakes() {
    showMistake();
    // Turbo goes to the top of a page after it showed it.
    document.addEventListener('turbo:render', () => requestAnimationFrame(() => requestAnimationFrame(showMistake)));
}
