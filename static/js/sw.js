// The service worker: shows notifications while no page is open, and opens their
// conversation. It keeps nothing, and answers no requests.

/** @typedef {{id: string, tag: string, url: string, title: string, text: string, time: number}} Notice */

const worker = /** @type {any} */ (self);

// A new version takes over at once: it holds nothing that pages rely on.
worker.addEventListener('install', () => worker.skipWaiting());
worker.addEventListener('activate', (event) => event.waitUntil(worker.clients.claim()));

/**
 * One notification for each conversation, and one alert for each message: a page may
 * have shown it already (notifications.js).
 * @param {Notice} notice
 */
async function show(notice) {
    const [shown] = await worker.registration.getNotifications({ tag: notice.tag });
    const { id, count = 0 } = shown?.data ?? {};
    if (shown && notice.id && id === notice.id) return;
    const more = count + 1;
    await worker.registration.showNotification(notice.title, {
        tag: notice.tag,
        body: more > 1 ? `${notice.text}\n${more} new messages` : notice.text,
        timestamp: notice.time,
        renotify: true,
        data: { id: notice.id, url: notice.url, count: more },
    });
}

worker.addEventListener('push', (event) => {
    /** @type {Notice} */
    const notice = event.data?.json() ?? { id: '', tag: 'foyer', url: '/chat', title: 'New message', text: '', time: Date.now() };
    event.waitUntil(show(notice));
});

/** Whether a page takes an address: one that has the chat answers. */
function taken(client, url) {
    return new Promise((resolve) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => resolve(true);
        setTimeout(() => resolve(false), 1000);
        client.postMessage({ type: 'open', url }, [port2]);
    });
}

/** Opens a conversation in a page that is there, or in a new one. */
async function open(url) {
    const pages = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true });
    const page = pages.find(({ focused }) => focused) ?? pages.find(({ visibilityState }) => visibilityState === 'visible') ?? pages[0];
    if (page) {
        await page.focus().catch(() => {});
        if (await taken(page, url)) return;
    }
    await worker.clients.openWindow(url);
}

worker.addEventListener('notificationclick', (event) => {
    event.notification.close();
    event.waitUntil(open(event.notification.data?.url ?? '/chat'));
});
