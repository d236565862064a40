// Buttons of the page stand there before the chat does: what opens the search, the list of keys, and the
// dialog that begins conversations. Who presses one has pressed it.

import { around } from '../dom.js';

const BUTTONS = '[data-search], [data-begin], [data-shortcuts]';

/** @type {HTMLElement | null} the one that was pressed last, if nothing else was since */
let pressed = null;
const done = new AbortController();

/** Notes which is pressed, from now on. */
export function notePressed() {
    document.addEventListener('keydown', () => (pressed = null), { capture: true, signal: done.signal });
    document.addEventListener('click', (event) => (pressed = around(event, BUTTONS)), { capture: true, signal: done.signal });
}

/** Presses it again, now that it works. */
export function pressAgain() {
    done.abort();
    pressed?.click();
}
