// The service worker: shows notifications while no page is open, and opens their
// conversation. It answers two requests: for a page while the site cannot be reached, by
// one that is nobody's, and for what somebody shares from another app. It keeps no page of a member's.

/** @typedef {{id: string, tag: string, url: string, title: string, text: string, time: number}} Notice */

const worker = /** @type {any} */ (self);

const AWAY = 'foyer-away'; // the page for while the site cannot be reached, with its script
const SHARED = 'foyer-shared'; // what somebody shares, until they have chosen with whom (chat/share/share.js)

const MAX_SHARED_FILES = 20;
const MAX_SHARED_BYTES = 256 << 20; // of all files together
const MAX_SHARED_CHARACTERS = 10_000;

/** Keeps the page for while the site cannot be reached, and its script, as they are now. */
async function keepAway() {
    const page = await fetch('/offline', { credentials: 'omit', cache: 'no-cache' });
    if (!page.ok) throw new Error(`/offline: ${page.status}`);
    const [script] = (await page.clone().text()).match(/\/static\/[^"]+\.js/) ?? [];
    const cache = await worker.caches.open(AWAY);
    await Promise.all([cache.put('/offline', page), script && cache.add(script)]);
}

// What browsers ask this worker for, where they can be told (Service Worker Static Routing): pages, and what is answered
// without the site. Everything else would wait for it, too, what is in the browser's cache as well. (Pages could be asked
// for at the site at the same time, but Chromium leaves each answer that comes second unread for as long as the worker runs.)
const ROUTES = [
    { condition: { requestMode: 'navigate', requestMethod: 'GET' }, source: 'fetch-event' },
    { condition: { urlPattern: { pathname: '/share' } }, source: 'fetch-event' },
    { condition: { urlPattern: { pathname: '*/js/offline.js' } }, source: 'fetch-event' },
    { condition: { urlPattern: { pathname: '/*' } }, source: 'network' },
];

// A new version takes over at once: it holds nothing that pages rely on.
worker.addEventListener('install', (event) => {
    worker.skipWaiting();
    event.addRoutes?.(ROUTES).catch(() => {}); // a browser that does not know them asks for everything
    event.waitUntil(keepAway().catch(() => {})); // browsers have a page of their own for then
});
worker.addEventListener('activate', (event) =>
    // Pages are asked for while the worker starts.
    event.waitUntil(Promise.all([worker.registration.navigationPreload?.enable(), worker.clients.claim()])));

/** A page, or if the site cannot be reached the one for then. */
async function page(event) {
    try {
        return (await event.preloadResponse) ?? (await fetch(event.request));
    } catch (cause) {
        const away = await worker.caches.match('/offline', { cacheName: AWAY });
        if (away) return away;
        throw cause;
    }
}

/** Keeps what is shared, and goes to where its owner chooses with whom. Nothing of it reaches the site before that. */
async function share(request) {
    const form = await request.formData();
    const text = ['title', 'text', 'url'].map((name) => String(form.get(name) ?? '').trim());
    const lines = text.filter((line, i) => line && text.indexOf(line) === i).join('\n').slice(0, MAX_SHARED_CHARACTERS);
    let bytes = 0;
    const given = form.getAll('files').filter((file) => file instanceof File && file.size > 0);
    const files = given.slice(0, MAX_SHARED_FILES).filter((file) => (bytes += file.size) <= MAX_SHARED_BYTES);
    await worker.caches.delete(SHARED);
    const cache = await worker.caches.open(SHARED);
    const list = files.map((file, i) => ({ name: file.name, type: file.type, at: `/shared/${i}` }));
    await Promise.all(files.map((file, i) => cache.put(`/shared/${i}`, new Response(file))));
    await cache.put('/shared', Response.json({ text: lines, files: list, left: given.length - files.length, time: Date.now() }));
    return Response.redirect('/chat?shared', 303);
}

worker.addEventListener('fetch', (event) => {
    const { request } = event;
    const { origin, pathname } = new URL(request.url);
    if (origin !== location.origin) return;
    if (request.mode === 'navigate' && request.method === 'GET') event.respondWith(page(event));
    else if (pathname === '/share' && request.method === 'POST') event.respondWith(share(request).catch(() => Response.redirect('/chat', 303)));
    else if (pathname.endsWith('/js/offline.js')) event.respondWith(worker.caches.match(request, { cacheName: AWAY }).then((kept) => kept ?? fetch(request)));
});

/**
 * One notification for each conversation, and one alert for each message: a page may
 * have shown it already (notifications.js), and several messages may come at once.
 * @param {Notice} notice
 */
const show = (notice) => navigator.locks.request('foyer-notify', () => showInTurn(notice));

/** @param {Notice} notice */
async function showInTurn(notice) {
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

/** Tells the site where this browser is reached now that its subscription has ended. The next page does, where the browser does not say how to have another (push.js). */
async function renew({ oldSubscription, newSubscription }) {
    const subscription = newSubscription ?? (oldSubscription && (await worker.registration.pushManager.subscribe(oldSubscription.options)));
    if (subscription) await fetch('/xmpp/push', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(subscription) });
}

worker.addEventListener('pushsubscriptionchange', (event) => event.waitUntil(renew(event).catch(() => {})));
