// Offers notifications, once on each device, in a line of the chat: when somebody said or
// heard something there for the first time. The browser's own question comes with a click.

import { byId } from '../../dom.js';
import { offeredKey } from '../signin/forget.js';
import { panel } from '../panel.js';
import { isHalfOn, mayBeAsked, subscribe } from '../../push.js';

const SETTINGS = { href: '/settings#notifications', label: 'Settings' };

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
    let isAccepted = false; // on this page
    const isOver = () => isAccepted || localStorage.getItem(key) !== null || !(mayBeAsked() || isHalfOn(config));
    const box = byId('chat-offer');
    const hide = () => {
        const byKey = box.querySelector(':focus-visible');
        box.hidden = true;
        if (byKey) panel.takeFocus();
    };
    const end = () => {
        hide();
        localStorage.setItem(key, '1');
    };
    const offer = () => {
        if (!box.hidden || isOver()) return;
        const accept = async () => {
            isAccepted = true;
            hide();
            try {
                await subscribe(config);
            } catch (cause) {
                console.warn('This browser does not subscribe.', cause);
                if (Notification.permission !== 'denied') return panel.warn('notifications', 'Notifications could not be turned on. You can try again in the settings.', SETTINGS);
            }
            end();
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
