// What is unread: in the header, on the button, in the tab's title, and in the
// lists of the chat. Something is read when it was in sight.
//
// Each conversation that this browser knows has one number, and it is in Converse's model: `num_unread`, in rooms
// `num_unread_general`, with `num_unread` for those in which one is mentioned. All that show it read it there, and nobody
// keeps another. It is set, in this order:
//
//   1. by this file, once, when the page begins: to what the tab kept, if Converse had not kept it yet. Those below wait
//      for that (`restored`), or do it again then.
//   2. Between people, and in rooms of another server, by readMarkers.js, whenever the site or the archive has counted or
//      another device has read: to what they counted (serverUnread.js), less what was read since, and what came after that.
//      In rooms that are not in sight, of this site, by list/follow.js: to what the site counted, or more if more came.
//   3. One more with each message that comes while its conversation is not in sight: in a room that is followed by
//      list/follow.js (lazyJoin.js says which these are), in all others by Converse, unless readMarkers.js knows that the
//      message was read or counted (`counted-once`); none more with an edit, and one less when it is deleted. One that another tab kept first Converse is handed by anotherTab.js.
//   4. To 0 by Converse when the conversation comes in sight, which is here said to be so (`in-sight`); and to less by
//      readMarkers.js when another device reads.
//
// Of conversations that this browser does not know yet, people are counted by serverUnread.js and rooms by list/follow.js, which
// says how many (`foyer:unopened`). The sum of all these is made here, and nowhere else: without rooms that are muted, of which
// one that is not open here is not in that number either. Who is muted is heard of, and counted.
// newMessages.js counts nothing: it has the line above what is new, and notes until when a conversation was in sight, of
// which readMarkers.js tells the other devices.

import { all } from '../../dom.js';
import { showBadge } from './badge.js';
import { serverUnread } from './serverUnread.js';
import { levels } from './levels.js';
import { panel } from '../panel.js';
import { isPageActive } from '../connection/clientState.js';
import { keepInTab } from '../connection/tabStore.js';
import { isRoom, unreadOf } from '../boxes.js';

/** How old what the tab keeps may be to count for more than what Converse kept, in ms. */
const JUST_NOW_MS = 10_000;

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
        return !panel.visible() || !isPageActive() || isHidden.call(this);
    };
    prototype.clearUnreadMsgCounter = function () {
        if (panel.visible() && isPageActive() && !this.ui.get('scrolled')) return clearUnreadMsgCounter.call(this);
    };
}

/** How much is unread between people, and in rooms that this browser knows and that are not muted. */
function sumOf(chatboxes) {
    const here = (chatboxes?.models ?? []).map((box) => [box.get('jid'), unreadOf(box), isRoom(box)]);
    const elsewhere = serverUnread.all().filter(([jid]) => !chatboxes?.get(jid)); // not in this browser yet
    return [...here, ...elsewhere].reduce((sum, [jid, count, room]) => (room && levels.of(jid, true) === 'none' ? sum : sum + count), 0);
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
    const isFresh = Date.now() - at < JUST_NOW_MS;
    const kept = new Map(); // by conversation: the count that Converse had kept
    let restored = false;

    let unopened = 0; // in rooms that are not open here
    document.addEventListener('foyer:unopened', ({ detail }) => {
        unopened = detail;
        sum();
    });

    const boxes = () => _converse.state.chatboxes?.models ?? [];
    const sum = () => {
        show(unopened + sumOf(_converse.state.chatboxes));
        if (!restored) return;
        const counts = Object.fromEntries(boxes().flatMap((box) => (unreadOf(box) ? [[box.get('jid'), unreadOf(box)]] : [])));
        keepInTab(key, JSON.stringify({ at: Date.now(), counts }));
    };
    /** What the tab knows, and what has come since the page began. */
    const rightCount = (box, again) => {
        const known = before[box.get('jid')] ?? 0;
        if (!kept.has(box) || !isFresh || again.has(box.get('jid'))) return Math.max(known, unreadOf(box)); // another tab may know better
        return known + Math.max(0, unreadOf(box) - kept.get(box));
    };
    const restore = async (again) => {
        if (isFresh) await beginAgain(_converse, Object.keys(before));
        for (const box of boxes()) {
            const count = rightCount(box, again);
            if (count === unreadOf(box)) continue;
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
        _converse.state.chatboxes.on('add', (box) => restored || kept.set(box, unreadOf(box)));
        _converse.state.chatboxes.on('change:num_unread change:num_unread_general add remove reset', sum);
        sum();
    });
    const whenRestored = api.waitUntil('chatBoxesFetched').then(() => heardAgain).then(restore);
    for (const event of ['foyer:chat-shown', 'foyer:looking']) document.addEventListener(event, readWhatIsInSight);
    api.listen.on('chatRoomViewInitialized', readWhatIsInSight); // a room that was open when the page was left
    document.addEventListener('foyer:page', sum);
    document.addEventListener('foyer:unread', sum);
    document.addEventListener('foyer:levels', sum);
    return whenRestored;
}
