// What a screen reader says of a conversation in sight by itself: each message that comes, once,
// with who says it. The history is no live region: its older messages, the buttons beside each and
// how far one got would be read aloud whenever they are drawn.

import { lineOf } from '../list/entries.js';
import { isAction, lineText } from '../list/row.js';
import { isShown } from '../messages/messages.js';
import { inSight } from '../history/newMessages.js';
import { timeIn } from '../siteTime.js';

const MAX_SENTENCES = 5; // sentences that stay, so that none is gone before it was read

/**
 * What is said of a message that came; nothing of one's own, nor of what was said before somebody came here. What was
 * said since may come late: after a stream that was lost, or from somebody whose own was.
 * @param {any} box
 * @param {any} message
 * @param {string} since ISO 8601
 */
export function sentenceOf(box, message, since) {
    const late = message.get('is_delayed') || message.get('is_archived');
    if (message.get('sender') !== 'them' || !isShown(message) || (late && message.get('time') < since)) return '';
    const line = lineOf(box, message);
    return line ? `${message.getDisplayName()}${isAction(line) ? '' : ':'} ${lineText(line)}` : '';
}

/** @param {Converse.Private} _converse */
export function announceMessages(_converse) {
    const { api } = _converse;
    const region = document.getElementById('chat-said');
    const say = (box, text) => {
        if (!text || !region || !inSight(box)) return;
        const sentence = document.createElement('p');
        sentence.textContent = text;
        region.append(sentence);
        if (region.childElementCount > MAX_SENTENCES) region.firstElementChild?.remove();
    };
    // What the browser has kept is added first, and is not new.
    const followNew = async (box) => {
        await box.messages.fetched;
        const since = timeIn(box);
        box.messages.on('add', (message) => say(box, sentenceOf(box, message, since)));
        box.occupants?.on('change:num_unread', (occupant) => occupant.get('num_unread') > 0 && say(box, sentenceOf(occupant, occupant.messages.models.at(-1), ''))); // in private: it opens beside the room (privateMessages.js)
        box.messages.on('change:error_text', (message) => say(box, message.get('error_text') && `Not sent: ${message.getMessageText()}`));
    };
    const watch = (box) => void followNew(box); // Converse would wait for a promise, and what the browser has kept for Converse
    api.listen.on('chatBoxInitialized', watch);
    api.listen.on('chatRoomInitialized', watch);
}
