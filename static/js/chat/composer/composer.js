// Where one writes. A conversation that is opened takes a moment to be there; what
// is typed meanwhile is written into it, and never goes to another control.

import { all } from '../../dom.js';

const COMPOSER = 'textarea.chat-textarea';

/** Whether the focus in a field brings a keyboard onto the screen, which takes half of it: that is for who taps the field. */
export const bringsKeyboard = () => matchMedia('(hover: none) and (pointer: coarse)').matches;

// Where the focus goes while there is no conversation: to the password that is asked
// for, or to the first of the list.
const ELSEWHERE = 'converse-login-form input[type="password"], #conversations a.conversation';

// How long a conversation may take to open before the keys are nobody's again.
const OPEN_TIMEOUT_MS = 10_000;

let stopWaiting = () => {};

/** The composer of a conversation, or of the one that is in sight. */
function composer(chat, jid) {
    const within = jid ? `:is(converse-chat, converse-muc)[jid="${CSS.escape(jid)}"] ` : '';
    return [...chat.querySelectorAll(within + COMPOSER)].find((element) => element.checkVisibility());
}

/** Types keys that came before the composer did. */
function type(textarea, keys) {
    for (const key of keys) {
        if (key.length === 1) textarea.setRangeText(key, textarea.selectionStart, textarea.selectionEnd, 'end');
        else if (key === 'Backspace') textarea.value = textarea.value.slice(0, -1);
        else textarea.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
    }
    textarea.dispatchEvent(new Event('input', { bubbles: true }));
}

/** Keeps the keys for the composer until it is there. */
function waitForComposer(chat, jid) {
    const keys = [];
    const keep = (event) => {
        if (document.activeElement !== chat) return stopWaiting(); // the person went elsewhere
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        if (event.key.length > 1 && !['Backspace', 'Enter'].includes(event.key)) return;
        keys.push(event.key);
        event.preventDefault();
    };
    const look = () => {
        const textarea = composer(chat, jid);
        if (!textarea) return;
        stopWaiting();
        if (keys.length || !bringsKeyboard()) textarea.focus();
        type(textarea, keys);
    };
    const observer = new MutationObserver(look);
    const patience = setTimeout(() => stopWaiting(), OPEN_TIMEOUT_MS);
    stopWaiting = () => {
        observer.disconnect();
        clearTimeout(patience);
        document.removeEventListener('keydown', keep, true);
        stopWaiting = () => {};
    };
    document.addEventListener('keydown', keep, true);
    observer.observe(chat, { subtree: true, childList: true, attributes: true, attributeFilter: ['jid', 'class'] });
    look();
}

/**
 * Moves the focus to where one writes, or without a conversation to the list.
 * @param {HTMLElement} chat the panel
 * @param {string} [jid] the conversation, which may be about to open
 */
export function focusConversation(chat, jid) {
    stopWaiting();
    const textarea = composer(chat, jid);
    if (textarea && !bringsKeyboard()) return textarea.focus();
    if (textarea) return chat.focus();
    if (!jid) {
        const first = all(ELSEWHERE, chat).find((element) => element.checkVisibility());
        return (first ?? chat).focus();
    }
    chat.focus();
    waitForComposer(chat, jid);
}
