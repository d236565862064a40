// What is unread: in the header, on the button, in the tab's title, and in the
// lists of the chat. Something is read when it was in sight.

import { all } from '../../dom.js';
import { showBadge } from './badge.js';
import { counted } from './counted.js';
import { panel } from '../panel.js';
import { keepInTab } from '../connection/tabStore.js';

/** Unread in a conversation; in rooms Converse counts mentions apart. */
const unread = (box) => box.get('num_unread_general') ?? box.get('num_unread') ?? 0;

/** How old what the tab keeps may be to count for more than what Converse kept, in ms. */
const JUST_NOW = 10_000;

function show(count) {
    for (const number of all('[data-unread]')) {
        number.hidden = count === 0;
        number.textContent = count > 99 ? '99+' : String(count);
        number.setAttribute('aria-label', count === 1 ? '1 unread message' : `${count} unread messages`);
        number.setAttribute('role', 'img');
    }
    const title = document.title.replace(/^\(\d+\) /, '');
    document.title = count > 0 ? `(${count}) ${title}` : title;
    showBadge(count);
}

/**
 * Converse takes a conversation for read that is open, whether or not the panel is:
 * when a message comes, and when a page is loaded.
 */
// Patch: in-sight
function readOnlyInSight({ prototype }) {
    const { isHidden, clearUnreadMsgCounter } = prototype;
    prototype.isHidden = function () {
        return !panel.visible() || isHidden.call(this);
    };
    prototype.clearUnreadMsgCounter = function () {
        if (panel.visible() && !document.hidden) return clearUnreadMsgCounter.call(this);
    };
}

/** Conversations that began just before the page went away, and that the browser had not kept yet. */
async function beginAgain({ api, session, state }, jids) {
    const { getDomainFromJid } = window.converse.env.Strophe;
    const own = session.get('bare_jid');
    if (!own || !state.chatboxes) return []; // the session is over already
    const here = getDomainFromJid(own); // rooms come back by their bookmarks
    const lost = jids.filter((jid) => getDomainFromJid(jid) === here && !state.chatboxes.get(jid));
    return Promise.all(lost.map((jid) => api.chats.get(jid, { hidden: true }, true)));
}

/**
 * @param {Converse.Private} _converse
 * @param {string} user
 * @param {Promise<Set<string>>} heardAgain who said what came before the page was loaded and is heard again
 * @returns {Promise<unknown>} when what this browser had counted is known again
 */
export function countUnread(_converse, user, heardAgain) {
    const { api, exports } = _converse;
    readOnlyInSight(exports.ChatBox);
    readOnlyInSight(exports.MUC);

    // Converse keeps the counts a moment later than they change, and a page may go
    // away before: so the tab keeps them, too, and when they last changed.
    const key = `foyer-unread-${user}`;
    const { at = 0, counts: before = {} } = JSON.parse(sessionStorage.getItem(key) ?? '{}');
    const isFresh = Date.now() - at < JUST_NOW;
    const kept = new Map(); // by conversation: the count that Converse had kept
    let restored = false;

    let unopened = 0; // in rooms that are not open here
    document.addEventListener('foyer:unopened', ({ detail }) => {
        unopened = detail;
        sum();
    });

    const boxes = () => _converse.state.chatboxes?.models ?? [];
    const sum = () => {
        const elsewhere = counted.all().filter(([jid]) => !_converse.state.chatboxes?.get(jid)); // not in this browser yet
        show([...boxes().map(unread), ...elsewhere.map(([, count]) => count)].reduce((n, count) => n + count, unopened));
        if (!restored) return;
        const counts = Object.fromEntries(boxes().flatMap((box) => (unread(box) ? [[box.get('jid'), unread(box)]] : [])));
        keepInTab(key, JSON.stringify({ at: Date.now(), counts }));
    };
    /** What the tab knows, and what has come since the page began. */
    const rightCount = (box, again) => {
        const known = before[box.get('jid')] ?? 0;
        if (!kept.has(box) || !isFresh || again.has(box.get('jid'))) return Math.max(known, unread(box)); // another tab may know better
        return known + Math.max(0, unread(box) - kept.get(box));
    };
    const restore = async (again) => {
        if (isFresh) await beginAgain(_converse, Object.keys(before));
        for (const box of boxes()) {
            const count = rightCount(box, again);
            if (count === unread(box)) continue;
            box.save(box.get('num_unread_general') === undefined ? { num_unread: count } : { num_unread_general: count });
        }
        restored = true;
        readWhatIsInSight();
        sum();
        document.dispatchEvent(new CustomEvent('foyer:unread-restored'));
    };
    const readWhatIsInSight = () => {
        for (const box of boxes()) if (!box.get('closed') && box.isHidden?.() === false) box.clearUnreadMsgCounter();
    };
    api.listen.on('chatBoxesInitialized', () => {
        _converse.state.chatboxes.on('add', (box) => restored || kept.set(box, unread(box)));
        _converse.state.chatboxes.on('change:num_unread change:num_unread_general add remove reset', sum);
        sum();
    });
    const whenRestored = api.waitUntil('chatBoxesFetched').then(() => heardAgain).then(restore);
    document.addEventListener('foyer:chat-shown', readWhatIsInSight);
    api.listen.on('chatRoomViewInitialized', readWhatIsInSight); // a room that was open when the page was left
    document.addEventListener('foyer:page', sum);
    document.addEventListener('foyer:unread', sum);
    return whenRestored;
}
