// Offers notifications, once on each device, in a line of the chat: when somebody said or
// heard something there for the first time. The browser's own question comes with a click.

import { byId } from '../../dom.js';
import { offeredKey } from '../signin/forget.js';
import { panel } from '../panel.js';
import { mayBeAsked, subscribe, wantsNotifications } from '../../push.js';

const button = (text, run) => {
    const element = Object.assign(document.createElement('button'), { type: 'button', textContent: text });
    element.addEventListener('click', run);
    return element;
};

/**
 * @param {Converse.Private} _converse
 * @param {import('../types.js').ChatConfig} config
 */
export function offerNotifications({ api }, config) {
    const key = offeredKey(config.jid);
    const isOver = () => localStorage.getItem(key) !== null || wantsNotifications(config) || !mayBeAsked();
    const box = byId('chat-offer');
    const end = () => {
        const byKey = box.querySelector(':focus-visible');
        box.hidden = true;
        localStorage.setItem(key, '1');
        if (byKey) panel.takeFocus();
    };
    const offer = () => {
        if (!box.hidden || isOver()) return;
        const accept = async () => {
            end();
            await subscribe(config).catch((cause) => console.warn('This browser does not subscribe.', cause)); // the settings page says more
        };
        box.replaceChildren('Be notified of new messages?', ' ', button('Notify me', accept), ' ', button('Not now', end));
        box.hidden = false;
    };
    api.listen.on('sendMessage', offer);
    document.addEventListener('foyer:news', offer);
    addEventListener('storage', (event) => {
        if (event.key === key) box.hidden = true; // answered in another tab
    });
}
