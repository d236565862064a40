// The line "New messages" of a conversation. It stands before the first message that
// came since the conversation was last in sight, however it came: Converse counts only
// what comes while the page is there, and sets its line before the first of these.

import { isPageActive } from '../connection/clientState.js';
import { serverUnread } from '../unread/serverUnread.js';
import { panel } from '../panel.js';
import { timeIn } from '../siteTime.js';
import { isConversation } from '../boxes.js';

const SAVE_DELAY_MS = 300; // so that many messages at once are noted once

export const inSight = (box) => panel.visible() && !document.hidden && !box.get('hidden') && !box.get('closed');
/** Whether somebody said it; not what takes back a message that is not here. */
export const isSaid = ({ attributes: { type, time, retracted, is_ephemeral: passing, dangling_retraction, dangling_moderation } }) =>
    ['chat', 'groupchat', 'normal'].includes(type) && Boolean(time) && Boolean(!passing || retracted) && !(dangling_retraction || dangling_moderation);

/** When a box's last message was said, of those that match. */
const lastTime = (box, matches) => box.messages.models.findLast((message) => isSaid(message) && matches(message))?.get('time');

/**
 * Until when a person has read a conversation; nothing if it is not known. What they
 * said themselves they said after reading what was there.
 */
function readUntil(box) {
    const own = lastTime(box, (message) => message.get('sender') === 'me') ?? '';
    const seen = box.get('seen_until');
    if (seen || own) return seen > own ? seen : own || seen;
    return box.get('type') === 'chatbox' ? '' : undefined; // rooms were there before
}

/**
 * What was new in a conversation when it came in sight: what was said between two times, and
 * neither read on another device nor before an answer.
 * @typedef {{after: string|undefined, before: string, read: string|undefined, line?: string}} Span
 */

/** The first message that is new; what the archive brings may be older, and an answer to it. */
function firstNew(markers, box, { after, before, read }) {
    const own = lastTime(box, (message) => message.get('sender') === 'me' && message.get('time') < before) ?? '';
    const from = own > after ? own : after;
    return box.messages.models.find((message) => {
        const time = message.get('time');
        return isSaid(message) && message.get('sender') === 'them' && time > from && time < before && !markers.isUpTo(box, message, read);
    });
}

/** Notes until when a conversation was in sight; not while somebody reads further up, where what comes is not. */
function note(box) {
    if (box.ui.get('scrolled')) return;
    const last = lastTime(box, () => true);
    if (last && last !== box.get('seen_until')) box.save({ seen_until: last });
}

/** What does something with a conversation soon, once for all who ask until then. */
function soonForEach(work) {
    /** @type {WeakMap<any, ReturnType<typeof setTimeout>>} */
    const timers = new WeakMap();
    return (box) => {
        if (timers.has(box)) return;
        timers.set(box, setTimeout(() => {
            timers.delete(box);
            work(box);
        }, SAVE_DELAY_MS));
    };
}

/** @param {Converse.Private} _converse @param {import('../unread/readMarkers.js').Markers} markers */
export function markNewMessages(_converse, markers) {
    const { api } = _converse;
    /** @type {Map<any, Span>} */
    const looked = new Map();

    const drawLine = (box) => {
        const span = looked.get(box);
        if (span?.after === undefined) return;
        span.read ||= serverUnread.of(box.get('jid')).read; // the site may say so a moment later
        const first = firstNew(markers, box, span)?.get('id');
        // Patch: new-messages
        if (first || (span.line && span.line === box.get('first_unread_id'))) box.set('first_unread_id', first ?? null);
        span.line = first;
    };
    const look = (box) => {
        if ((isPageActive() && inSight(box)) === looked.has(box)) return;
        if (looked.has(box)) {
            looked.delete(box);
            return;
        }
        looked.set(box, { after: readUntil(box), before: timeIn(box), read: markers.readId(box) });
        if (looked.get(box)?.after !== undefined) box.set('first_unread_id', null);
        drawLine(box);
        note(box);
    };
    const lookAtAll = () => _converse.state.chatboxes?.models.filter(isConversation).forEach(look);
    const lookAgain = soonForEach((box) => {
        look(box);
        if (!looked.has(box)) return;
        drawLine(box);
        note(box);
    });
    const watch = (box) => {
        if (!isConversation(box)) return;
        box.on('change:hidden change:closed', () => look(box));
        box.ui.on('change:scrolled', () => looked.has(box) && note(box));
        box.messages.on('add', (message) => {
            look(box); // the panel may have been closed
            if (!looked.has(box)) return;
            const line = box.messages.get(box.get('first_unread_id'));
            if (line && message.get('time') < line.get('time')) drawLine(box); // before what is older is drawn: in sight it would move what is read
            lookAgain(box);
        });
        box.messages.fetched?.then(() => look(box)); // before that nothing is known of it
    };
    api.listen.on('chatBoxInitialized', watch);
    api.listen.on('chatRoomInitialized', watch);
    document.addEventListener('foyer:chat-shown', lookAtAll);
    document.addEventListener('foyer:page', lookAtAll);
    document.addEventListener('foyer:looking', lookAtAll);
}
