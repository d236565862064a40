// The form in which people type their password for the chat (XMPP_LOGIN=password). It
// is Converse's, which takes it away after a sign-in that failed: here it stays, and
// says why.

import { byId } from '../../dom.js';

/** Said beside the field. */
export const WRONG_PASSWORD = 'That password does not match. Check it, and type it again.';

/** The form, and what it stands in, from the outside to the inside. */
const ELEMENTS = ['converse-chats', 'converse-controlbox', 'converse-login-form'];

/** Puts the focus where the password is typed, unless the person does something else. */
async function focusPassword() {
    const chat = byId('chat');
    for (const name of ELEMENTS) await /** @type {any} */ (chat.querySelector(name))?.updateComplete;
    if (document.activeElement !== document.body && !chat.contains(document.activeElement)) return;
    /** @type {HTMLElement|null} */
    const field = chat.querySelector('converse-login-form input[type="password"]');
    if (field?.checkVisibility()) field.focus();
}

/**
 * @param {Converse.Private} _converse
 * @param {import('./loginGuard.js').LoginGuard} guard
 */
// Patch: login-form
export function keepLoginForm(_converse, guard) {
    const { api, state, exports } = _converse;
    const askAgain = () => {
        // A new form would show what was typed before.
        api.settings.set('password', undefined);
        if (guard.refusal === 'not-authorized') focusPassword();
    };
    api.listen.on('chatBoxesInitialized', () => {
        // What was kept for this session is cleared, and the form's box with it.
        state.chatboxes.on('reset', () => {
            if (guard.closed || state.chatboxes.get('controlbox')) return;
            state.chatboxes.add(new exports.ControlBox({ id: 'controlbox' }));
            state.chatboxviews.get('controlbox')?.setModel();
            askAgain();
        });
    });
    api.listen.on('disconnected', () => {
        if (!guard.closed) askAgain();
    });
}
