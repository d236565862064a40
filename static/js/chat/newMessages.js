// The line "New messages" of a conversation. It stands before the first message that
// came since the conversation was last in sight, however it came: Converse counts only
// what comes while the page is there, and sets its line before the first of these.

import { panel } from './panel.js';

const KEEP_AFTER = 300; // ms, so that many messages at once are noted once

const isConversation = (box) => ['chatbox', 'chatroom'].includes(box.get('type'));
const inSight = (box) => panel.visible() && !document.hidden && !box.get('hidden') && !box.get('closed');
export const isSaid = ({ attributes: { type, time, is_ephemeral: passing } }) => ['chat', 'groupchat', 'normal'].includes(type) && Boolean(time) && !passing;

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

/** @param {Converse.Private} _converse */
export function markNewMessages(_converse) {
    const { api } = _converse;
    /** What is new in those that are in sight. @type {Map<any, {after: string|undefined, before: string}>} */
    const looked = new Map();

    const drawLine = (box) => {
        const span = looked.get(box);
        if (span?.after === undefined) return;
        const { after, before } = span;
        const first = box.messages.models.find(
            (message) => isSaid(message) && message.get('sender') === 'them' && message.get('time') > after && message.get('time') < before,
        );
        if (first) box.set('first_unread_id', first.get('id'));
    };
    const note = (box) => {
        const last = lastTime(box, () => true);
        if (last && last !== box.get('seen_until')) box.save({ seen_until: last });
    };
    const look = (box) => {
        if (inSight(box) === looked.has(box)) return;
        if (looked.has(box)) {
            looked.delete(box);
            return;
        }
        looked.set(box, { after: readUntil(box), before: new Date().toISOString() });
        if (looked.get(box)?.after !== undefined) box.set('first_unread_id', null);
        drawLine(box);
        note(box);
    };
    const lookAtAll = () => _converse.state.chatboxes?.models.filter(isConversation).forEach(look);

    /** @type {WeakMap<any, ReturnType<typeof setTimeout>>} */
    const timers = new WeakMap();
    const watch = (box) => {
        if (!isConversation(box)) return;
        box.on('change:hidden change:closed', () => look(box));
        box.messages.on('add', () => {
            look(box); // the panel may have been closed
            if (!looked.has(box) || timers.has(box)) return;
            timers.set(box, setTimeout(() => {
                timers.delete(box);
                look(box);
                if (!looked.has(box)) return;
                drawLine(box);
                note(box);
            }, KEEP_AFTER));
        });
        box.messages.fetched?.then(() => look(box)); // before that nothing is known of it
    };
    api.listen.on('chatBoxInitialized', watch);
    api.listen.on('chatRoomInitialized', watch);
    document.addEventListener('foyer:chat-shown', lookAtAll);
    document.addEventListener('foyer:page', lookAtAll);
    document.addEventListener('visibilitychange', lookAtAll);
}
