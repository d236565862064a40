// Notifications while no page is open (web push): this browser's subscription, which a
// person asks for by a click, and which ends when they sign out.

import { endNotifications, OWNER, WANTS } from './chat/signin/forget.js';
import { all, around } from './dom.js';

/** @typedef {import('./chat/types.js').ChatConfig} ChatConfig */

const ask = 'Notification' in window ? Notification.requestPermission.bind(Notification) : null; // Converse's own asking is switched off (notifications.js)
const possible = () => 'serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window;

/** The registration of the service worker, once it is at work. */
export async function registration() {
    await navigator.serviceWorker.register('/sw.js', { scope: '/' });
    return navigator.serviceWorker.ready;
}

const tell = (method, body) =>
    fetch('/xmpp/push', { method, headers: { 'Content-Type': 'application/json' }, body: body && JSON.stringify(body), cache: 'no-store' });

/** Bytes of base64url. */
const bytes = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));

/** Asks for permission, which takes a click, and subscribes. @param {ChatConfig} config */
export async function subscribe(config) {
    if ((await ask?.()) !== 'granted') throw new Error('not allowed');
    localStorage.setItem(WANTS, config.user); // while a page is open, whatever the push service says
    if (!config.pushKey) return;
    const { pushManager } = await registration();
    const options = { userVisibleOnly: true, applicationServerKey: bytes(config.pushKey) };
    const subscription = await pushManager.subscribe(options).catch(async (cause) => {
        // One for another key, of a site that was here before, stands in the way.
        const old = await pushManager.getSubscription();
        if (!old) throw cause;
        await old.unsubscribe();
        return pushManager.subscribe(options);
    });
    const answer = await tell('POST', subscription);
    if (!answer.ok) {
        await subscription.unsubscribe();
        throw new Error(`the site does not take the subscription: ${answer.status}`);
    }
    localStorage.setItem(OWNER, config.user);
}

/** Ends the subscription, at the push service too, and takes away what is shown. */
export async function unsubscribe() {
    const isSent = localStorage.getItem(OWNER) !== null;
    await Promise.all([endNotifications(), isSent && tell('DELETE').catch(() => {})]); // the site is told, however long the push service takes
}

/** Whether this browser can notify, and nobody has said yet whether it may: on iPhones only the installed app can. */
export const mayBeAsked = () => possible() && Notification.permission === 'default';

/** Whether this browser is notified for this person while no page is open. @param {ChatConfig} config */
export const isSubscribed = (config) => possible() && Notification.permission === 'granted' && localStorage.getItem(OWNER) === config.user;

/** Whether this person turned notifications on at this browser, which has no subscription all the same. @param {ChatConfig} config */
export const isHalfOn = (config) => Boolean(config.pushKey) && wantsNotifications(config) && !isSubscribed(config);

/** Whether this person is to be notified at this browser while a page is open. @param {ChatConfig} config */
export const wantsNotifications = (config) => possible() && Notification.permission === 'granted' && localStorage.getItem(WANTS) === config.user;

/**
 * Tells the site again where this browser is reached: the session may be a new one, and browsers change it. One that has
 * dropped the subscription subscribes again, which takes no click once it may.
 */
async function renew(config) {
    const owner = localStorage.getItem(OWNER);
    if (!config.pushKey || !possible() || owner === null) return;
    if (owner !== config.user || Notification.permission !== 'granted') return unsubscribe();
    const { pushManager } = await registration();
    const subscription = await pushManager.getSubscription();
    await (subscription ? tell('POST', subscription) : subscribe(config));
}

function stateOf(config, on, denied) {
    if (!possible()) return 'This browser cannot notify you.';
    if (denied) return 'Your browser does not let this site notify you. You can allow it in the browser’s settings for this site.';
    if (isSubscribed(config)) return 'You are notified on this device, also while this site is closed.';
    return on ? 'You are notified on this device while this site is open.' : 'You are not notified on this device.';
}

/** What the settings page says and offers of this device. */
function showState(config) {
    for (const box of all('[data-push]')) {
        const find = (name) => /** @type {HTMLElement} */ (box.querySelector(name));
        const on = wantsNotifications(config);
        const denied = possible() && Notification.permission === 'denied';
        box.hidden = false;
        find('[data-push-on]').hidden = isSubscribed(config) || (on && !config.pushKey) || denied || !possible();
        find('[data-push-off]').hidden = !on;
        find('[data-push-state]').textContent = stateOf(config, on, denied);
    }
    for (const zone of /** @type {HTMLInputElement[]} */ (all('[data-zone]'))) {
        zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
    }
}

/** @param {ChatConfig} config */
export function offerPush(config) {
    const show = () => showState(config);
    renew(config).catch((cause) => console.warn('The site was not told where this browser is reached.', cause)).then(show);
    show();
    document.addEventListener('foyer:page', show);
    document.addEventListener('click', async (event) => {
        const on = around(event, '[data-push-on]');
        if (!on && !around(event, '[data-push-off]')) return;
        const say = (text) => all('[data-push-state]').forEach((state) => (state.textContent = text));
        try {
            await (on ? subscribe(config) : unsubscribe());
            show();
        } catch (cause) {
            show();
            console.warn('This browser does not subscribe.', cause);
            if (Notification.permission !== 'denied') say('That did not work: the browser’s push service is not responding. Please try again later.');
        }
    });
}
