// A finger that rests on a message asks what can be done with it. The sheet that says so is fetched when
// somebody first touches the page (lazy.js).

import { around, byId } from '../../dom.js';
import { withLazy } from '../lazy.js';

const HOLD_MS = 450; // ms that a finger rests: before the system's own answer, after half a second
export const MAX_MOVE_PX = 10; // px that a finger may move and be at rest

/** What a finger that rests on it is for something else. */
const ITS_OWN = 'audio, video, .message-bar, .reaction-picker';

const distance = (touch, from) => Math.hypot(touch.clientX - from.clientX, touch.clientY - from.clientY);

/**
 * Calls back when a finger rests on a message of which something can be done: not when it
 * scrolls, and not when it is lifted before.
 * @param {HTMLElement} chat
 * @param {(message: any) => void} held
 */
function whenHeld(chat, held) {
    chat.addEventListener('touchstart', (event) => {
        const message = around(event, ITS_OWN) ? null : around(event, 'converse-chat-message:has(converse-message-actions)');
        if (!message || event.touches.length > 1 || message.querySelector('.chat-msg--retracted')) return;
        const [from] = event.touches;
        const touch = new AbortController();
        const { signal } = touch;
        let opened = false;
        const wait = setTimeout(() => {
            if (!message.isConnected) return;
            opened = true;
            held(message);
        }, HOLD_MS);
        signal.addEventListener('abort', () => clearTimeout(wait));
        const onTouch = (name, handle, options = {}) => event.target?.addEventListener(name, handle, { signal, ...options }); // also when the message was drawn again meanwhile
        onTouch('touchmove', ({ touches }) => !opened && (touches.length > 1 || distance(touches[0], from) > MAX_MOVE_PX) && touch.abort());
        onTouch('touchcancel', () => touch.abort());
        onTouch('touchend', (end) => {
            if (opened) end.preventDefault(); // it presses nothing that came to lie under it
            touch.abort();
        }, { passive: false });
        document.addEventListener('contextmenu', (menu) => menu.preventDefault(), { signal, capture: true }); // the system's, by the same finger
    }, { passive: true });
}

/** @param {Converse.Private} _converse */
export function offerMessageSheet(_converse) {
    /** @type {import('./messageSheet.js').MessageSheet | undefined} */
    let sheet;
    whenHeld(byId('chat'), (message) => withLazy(({ MessageSheet }) => message.isConnected && (sheet ??= new MessageSheet(_converse)).show(message)));
}
