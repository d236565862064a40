// Notifications of the browser while a page is open: one for each message, whatever
// tabs there are, in the same place where the service worker shows those that come while
// none is (sw.js). Of which conversations and when, each person says.

import { isSubscribed, registration, wantsNotifications } from '../../push.js';
import { panel } from '../panel.js';
import { addressOf, conversationAt, open } from '../conversation.js';
import { isReportedInactive, isActiveElsewhere } from '../connection/clientState.js';
import { levels } from './levels.js';
import { meet, mentions } from './mentions.js';
import { quoteBefore, saidBy } from '../list/entries.js';
import { isAction, lineWithAuthor } from '../list/row.js';
import { siteTime } from '../siteTime.js';
import { isRoom } from '../boxes.js';

/** @typedef {import('../types.js').ChatConfig} ChatConfig */

/** Whether a person wants to be told of a message that says something. */
function isWanted(box, message) {
    if (levels.quiet()) return false;
    const level = levels.of(box.get('jid'), isRoom(box));
    return level === 'mentions' ? box.isUserMentioned(message) : level !== 'none';
}

const RECENT_MS = 120_000; // what is older was said while nobody was here, and is counted

/**
 * Whether it was said just now. What came while the page was loaded was: it is delivered late, or
 * is first heard of from the archive, and the site leaves it to the page.
 */
function isRecent({ time, is_archived: archived, is_delayed: delayed }) {
    if (!archived && !delayed) return true;
    const ago = siteTime.now() - Date.parse(time);
    return ago <= RECENT_MS && (!archived || ago <= performance.now());
}

/** Whether a message is something new that somebody else said. */
const isNews = (attrs) =>
    Boolean(attrs.body) && ['chat', 'normal', 'groupchat'].includes(attrs.type) && attrs.sender !== 'me' &&
    !(attrs.is_error || attrs.replace_id || attrs.retract_id) && isRecent(attrs);

/** What is told of a message: in a room who said it, and everywhere who does something (“/me waves”). */
const told = (by, text, inRoom) => (isAction({ text }) || !inRoom ? lineWithAuthor({ by, text, at: '' }) : `${by}: ${text}`);

/** What was written, where the person chose that; as in sw.js. */
const written = (text) => (levels.text() ? text : 'New message');

/** Shows a notification unless another tab has; a second message in a conversation takes the place of the first. */
async function show(config, notice) {
    const { tag, id, title, body, url } = notice;
    await navigator.locks.request('foyer-notify', async () => {
        const there = await registration();
        const [shown] = await there.getNotifications({ tag });
        if (shown && id && shown.data?.id === id) return;
        /** @type {any} */
        const options = { tag, body, icon: config.icon, renotify: true, silent: !levels.sound(), data: { id, url, count: (shown?.data?.count ?? 0) + 1 } };
        await there.showNotification(title, options);
        if (levels.sound()) new Audio(`${config.assetsPath}sounds/msg_received.mp3`).play().catch(() => {}); // before a first click browsers do not
    });
}

/** Takes away what is shown of a conversation: it was read, here or on another device. */
async function clearNotifications(jid, isRead = (/** @type {Notification} */ _shown) => true) {
    if (!('serviceWorker' in navigator)) return;
    const there = await navigator.serviceWorker.getRegistration('/');
    for (const shown of (await there?.getNotifications({ tag: jid })) ?? []) if (isRead(shown)) shown.close();
}

/** Whom the address of somebody names (RFC 5122), however a client has encoded it; as in internal/stanza/addressed.go. */
function nameIn(uri) {
    try {
        return decodeURIComponent(uri.replace(/^xmpp:|\?.*/g, '')).replace(/^[^/]*\/|@[^/]*$/, '');
    } catch {
        return '';
    }
}

/**
 * @param {Converse.Private} _converse
 * @param {ChatConfig} config
 * @param {import('./readMarkers.js').Markers} markers what was read on another device is not notified
 */
export function notifyPeople(_converse, config, markers) {
    const { api, exports } = _converse;
    const notify = async (box, message) => {
        const attrs = message.attributes;
        if (!isNews(attrs)) return;
        document.dispatchEvent(new CustomEvent('foyer:news'));
        if (!wantsNotifications(config)) return;
        if (!box.isHidden() || !isWanted(box, message)) return;
        if (isReportedInactive() && isSubscribed(config) && (config.follow || !isRoom(box))) return; // the site sends it
        if (await isActiveElsewhere()) return;
        const text = attrs.is_encrypted && !attrs.plaintext ? 'Encrypted message' : saidBy(message);
        const [jid, name] = [box.get('jid'), box.getDisplayName()];
        await show(config, {
            tag: jid, id: attrs.msgid, url: addressOf(config, jid),
            title: name, body: told(isRoom(box) ? attrs.nick : name, written(text), isRoom(box)),
        });
    };
    // What is counted as unread, once: what a stream that goes on brings again is not new.
    for (const { prototype } of [exports.ChatBox, exports.MUC]) {
        const { handleUnreadMessage } = prototype;
        // Patch: notifications
        prototype.handleUnreadMessage = function (message) {
            handleUnreadMessage.call(this, message);
            if (message && !markers.isRead(this, message)) notify(this, message).catch((cause) => console.warn('A message was not notified.', cause));
        };
    }
    // Patch: mentioned
    exports.MUC.prototype.isUserMentioned = function (message) {
        const { reply_to: answers, references } = message.attributes;
        const quote = quoteBefore(message);
        const named = (references ?? []).filter(({ type, begin }) => type === 'mention' && !(begin < quote)).map(({ uri }) => nameIn(uri));
        const names = [config.name, config.user, this.get('nick')].filter(Boolean);
        const addresses = [config.jid, ...names.map((name) => `${this.get('jid')}/${name}`)];
        return meet([answers], addresses) || meet(named, names) || mentions(saidBy(message), names);
    };
    // Rooms that are not open here (list/follow.js).
    document.addEventListener('foyer:room-said', async ({ detail: { jid, name, mentioned, line } }) => {
        const level = levels.of(jid, true);
        if (!wantsNotifications(config) || levels.quiet() || level === 'none' || (level === 'mentions' && !mentioned)) return;
        if (isReportedInactive() && isSubscribed(config)) return; // the site sends it
        if (await isActiveElsewhere()) return;
        const text = line.kind === 'encrypted' ? 'Encrypted message' : line.text;
        await show(config, { tag: jid, id: line.id, url: addressOf(config, jid), title: name, body: told(line.by, written(text), true) });
    });
    const clearRead = (jid) => clearNotifications(jid, ({ data }) => markers.wasRead(jid, data?.id));
    if (config.follow) document.addEventListener('foyer:read', ({ detail }) => clearRead(detail));
    api.listen.on('chatBoxesInitialized', () => {
        _converse.state.chatboxes.on('change:read_id', (box) => clearRead(box.get('jid'))); // of a room that was opened here nothing was counted
        _converse.state.chatboxes.on('change:num_unread change:num_unread_general', (box) => {
            if (!box.get('num_unread') && !box.get('num_unread_general')) clearNotifications(box.get('jid'));
        });
    });
    navigator.serviceWorker?.addEventListener('message', ({ data, ports }) => {
        if (data?.type !== 'open') return;
        ports[0]?.postMessage('taken');
        const jid = conversationAt(config, data.url);
        if (jid) open(_converse, config, jid);
        else panel.open();
    });
}
