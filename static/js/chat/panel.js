// The panel that holds the chat: open or closed, in sight or not, and the line
// beside it that says how the connection is.

import { around, byId } from '../dom.js';
import { pushOverlay } from './dialogs/overlayHistory.js';
import { focusConversation } from './composer/composer.js';
import { keepInTab } from './connection/tabStore.js';

const OPEN = 'foyer-chat-open';
const BESIDE = '(min-width: 40.01rem)'; // where a page and the open chat are both in sight

const chat = () => byId('chat');
const toggle = () => byId('chat-toggle');
const onChatPage = () => document.body.dataset.page === 'chat';

/** What Escape closes before it closes the panel: dialogs, menus, suggestions. */
const ABOVE = '.modal.show, .dropdown-menu.show, .suggestion-box__results:not([hidden])';

/** What is said beside the chat, by what it is of: the latest is shown. @type {Map<string, {text: string, link?: {href: string, label: string}}>} */
const said = new Map();

/** What holds whatever somebody does. */
const LASTING = ['connection', 'internals'];

function say(of, text, link) {
    if (!said.delete(of) && !text) return;
    if (text) said.set(of, { text, link });
    const last = [...said.values()].pop();
    const element = byId('chat-notice');
    element.replaceChildren(last?.text ?? '');
    if (last?.link) {
        const a = Object.assign(document.createElement('a'), { href: last.link.href, textContent: last.link.label });
        a.dataset.turbo = 'false';
        element.append(' ', a);
    }
    element.hidden = !last;
}

/** What had the focus before the panel opened. @type {Element|null} */
let opener = null;

/** On a phone the panel lies above the page, and Back closes it. */
let noLongerAbove = () => {};

function show(open) {
    const state = open ? 'open' : 'closed';
    chat().dataset.state = state;
    document.body.dataset.chat = state; // for what stands before the chat (static/css/site.css)
    toggle().setAttribute('aria-expanded', String(open));
    toggle().hidden = open;
    keepInTab(OPEN, open ? '1' : '');
    tellWhenShown();
}

function hide() {
    show(false);
    noLongerAbove();
}

function tellWhenShown() {
    if (!panel.visible()) return;
    for (const of of said.keys()) if (!LASTING.includes(of)) say(of);
    document.dispatchEvent(new CustomEvent('foyer:chat-shown'));
}

/** Closes the panel with Escape, unless there is something above it to close first. */
function closeWithEscape() {
    let above = false;
    document.addEventListener('keydown', () => (above = Boolean(chat().querySelector(ABOVE))), { capture: true });
    chat().addEventListener('keydown', (event) => {
        if (event.key !== 'Escape' || event.defaultPrevented || above) return;
        const corrected = /** @type {any} */ (around(event, 'converse-message-form, converse-muc-message-form'));
        if (corrected?.querySelector('.correcting')) return corrected.onEscapePressed(event);
        if (!onChatPage()) panel.close();
    });
}

export const panel = {
    prepare() {
        // On a phone the open chat would cover the page that was asked for, also by a link in the list.
        show(sessionStorage.getItem(OPEN) === '1' && matchMedia(BESIDE).matches);
        document.addEventListener('click', (event) => {
            if (around(event, '[data-chat-toggle]')) panel.open();
            if (around(event, '[data-chat-close]')) panel.close();
        });
        document.addEventListener('foyer:visit', () => {
            if (!matchMedia(BESIDE).matches) hide(); // what was asked for is below it
            tellWhenShown();
        });
        closeWithEscape();
    },

    /**
     * Opens the panel. The focus goes to where one writes: in the conversation
     * that is asked for, as soon as it is there, or in the one that is open.
     * @param {string} [jid]
     */
    open(jid) {
        if (!chat().contains(document.activeElement)) opener = document.activeElement;
        if (onChatPage()) tellWhenShown(); // and what stands on the next page is up to that
        else if (chat().dataset.state !== 'open') {
            show(true);
            if (!matchMedia(BESIDE).matches) noLongerAbove = pushOverlay(() => panel.close());
        }
        focusConversation(chat(), jid);
    },

    close() {
        hide();
        const back = opener instanceof HTMLElement && opener.isConnected && opener !== document.body ? opener : toggle();
        back.focus();
        opener = null;
    },

    /** Puts the focus where one writes, or on what opens the chat: what had it is gone. */
    takeFocus() {
        if (panel.visible()) focusConversation(chat());
        else toggle().focus();
    },

    /** Whether there is a stream, and the list of people is here; read by style sheets and tests. */
    set ready(is) {
        chat().toggleAttribute('data-ready', is);
    },

    /** Whether the chat is in sight. */
    visible() {
        return onChatPage() || chat().dataset.state === 'open';
    },

    /**
     * Says that something did not work, until it does, which is told without a text, or the panel is opened again.
     * @param {string} of what was to be done
     * @param {string} [text]
     * @param {{href: string, label: string}} [link]
     */
    warn: (of, text, link) => say(of, text, link),

    /**
     * Says something about the connection; without a text, takes it away.
     * @param {string} [text]
     * @param {{href: string, label: string}} [link]
     */
    notice: (text, link) => say('connection', text, link),
};
