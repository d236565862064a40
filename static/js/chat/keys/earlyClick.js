// Buttons of the page stand there before the chat does: what opens the search, the list of keys, and the
// dialog that begins conversations. Who presses one has pressed it.

import { around } from '../../dom.js';

const BUTTONS = '[data-search], [data-begin], [data-shortcuts]';

/** @type {HTMLElement | null} the one that was pressed last, if nothing else was since */
let pressed = null;
const done = new AbortController();

/** Whether the keys that open the search are pressed: Ctrl+K, on a Mac Cmd+K. @param {KeyboardEvent} event */
export function asksForSearch(event) {
    const asks = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k';
    if (asks) event.preventDefault(); // browsers have these keys, too
    return asks;
}

/** Notes which is pressed, from now on. */
export function recordEarlyClick() {
    document.addEventListener('keydown', (event) => (pressed = asksForSearch(event) ? document.querySelector('[data-search]') : null), { capture: true, signal: done.signal });
    document.addEventListener('click', (event) => (pressed = around(event, BUTTONS)), { capture: true, signal: done.signal });
}

/** Presses it again, now that it works. */
export function replayEarlyClick() {
    done.abort();
    pressed?.click();
}
