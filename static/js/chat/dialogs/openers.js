// What opens the dialogs of the whole chat: the search, with Ctrl+K, too; and the one that
// begins conversations. They open at once, with a field that takes what is typed, and are
// filled as soon as what fills them is there (lazy.js), which offline may take as long as that lasts.

import { around, byId } from '../../dom.js';
import { showModal } from './overlayHistory.js';
import { addressOf, open } from '../conversation.js';
import { entries } from '../list/entries.js';
import { withLazy } from '../lazy.js';
import { asksForSearch } from '../keys/earlyClick.js';

let opened = 0;
/** What the site told of conversations. @type {Map<string, import('../list/entries.js').Entry>} */
let told = new Map();

/** @param {HTMLDialogElement} dialog @param {(lazy: import('../lazy.js').LazyBundle) => void} fill */
function openAtOnce(dialog, fill) {
    const mine = ++opened;
    showModal(dialog);
    const field = /** @type {HTMLInputElement | null} */ (dialog.querySelector('input'));
    field?.focus();
    field?.select(); // what is typed takes the place of what was there
    const isWaiting = () => dialog.open && mine === opened;
    /** @type {KeyboardEvent | undefined} */
    let pressed;
    dialog.onkeydown = (event) => void (pressed = event);
    const fetchIt = () =>
        withLazy((lazy) => {
            if (!isWaiting()) return;
            fill(lazy);
            if (pressed?.key === 'Enter' && field?.value) dialog.querySelector('input')?.dispatchEvent(new KeyboardEvent('keydown', pressed));
        }, () => {
            if (navigator.onLine) return dialog.close();
            /** @type {Element} */ (dialog.querySelector('[role="status"]')).textContent = 'You are offline. This works again when you are back.';
            window.addEventListener('online', () => isWaiting() && fetchIt(), { once: true });
        });
    fetchIt();
}

/**
 * @param {Converse.Private} _converse
 * @param {import('../types.js').ChatConfig} config
 */
export function offerSearch(_converse, config) {
    const dialog = /** @type {HTMLDialogElement} */ (byId('search'));
    const field = /** @type {HTMLInputElement} */ (byId('search-words'));
    /** @type {import('../search/search.js').Search | undefined} */
    let search;
    /** @param {{jid?: string, name?: string, words?: string}} [what] */
    const show = ({ jid, name, words } = {}) => {
        if (dialog.open) return;
        if (words !== undefined) field.value = words;
        openAtOnce(dialog, ({ Search }) => {
            search ??= new Search(config, (to, id) => open(_converse, config, to, id), () => entries(_converse, told));
            search.show(jid, name, words !== undefined);
        });
    };
    document.addEventListener('foyer:conversations', ({ detail }) => {
        told = detail;
        if (dialog.open) search?.fillWhere();
    });
    dialog.addEventListener('submit', (event) => event.preventDefault());
    document.addEventListener('click', (event) => {
        if (around(event, '[data-search]')) show();
        else if (around(event, '[data-search-close]')) dialog.close();
    });
    document.addEventListener('foyer:search', ({ detail }) => show(detail));
    document.addEventListener('keydown', (event) => {
        if (!asksForSearch(event)) return;
        event.stopPropagation();
        show();
    }, { capture: true });
}

/**
 * @param {Converse.Private} _converse
 * @param {import('../types.js').ChatConfig} config
 */
export function offerBeginning(_converse, config) {
    const dialog = /** @type {HTMLDialogElement} */ (byId('begin'));
    /** @type {import('../begin/dialog.js').Begin | undefined} */
    let begin;
    /** @type {import('../begin/dialog.js').Chat} */
    const chat = {
        open: (jid) => open(_converse, config, jid),
        addressOf: (jid) => addressOf(config, jid),
        isListed: (jid) => told.has(jid) || Boolean(_converse.state.chatboxes?.get(jid)),
        contacts: () => _converse.state.roster?.models ?? [],
    };
    // Whom one knows may come later than the dialog.
    _converse.api.listen.on('rosterContactsFetched', () => dialog.open && dialog.querySelector('input')?.dispatchEvent(new Event('input')));
    document.addEventListener('click', (event) => {
        const part = around(event, '[data-begin]')?.dataset.begin;
        if (around(event, '[data-begin-close]')) dialog.close();
        else if (part !== undefined && !dialog.open) openAtOnce(dialog, ({ Begin }) => (begin ??= new Begin(dialog, config, chat)).show(part));
    });
}
