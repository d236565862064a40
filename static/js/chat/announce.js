// What a screen reader says of a conversation in sight by itself: each message that comes, once,
// with who says it. The history is no live region: its older messages, the buttons beside each and
// how far one got would be read aloud whenever they are drawn.

import { lineOf } from './list/entries.js';
import { inWords } from './list/row.js';
import { panel } from './panel.js';

const LATEST = 5; // sentences that stay, so that none is gone before it was read

/** What is said of a message; nothing of one's own, and of what was said before. @param {any} box @param {any} message */
export function sentenceOf(box, message) {
    if (message.get('sender') !== 'them' || message.get('is_delayed') || message.get('is_archived')) return '';
    const line = lineOf(box, message);
    return line ? `${message.getDisplayName()}: ${inWords(line)}` : '';
}

/** @param {Converse.Private} _converse */
export function announceMessages(_converse) {
    const { api } = _converse;
    const region = document.getElementById('chat-said');
    const say = (box, message) => {
        const text = panel.visible() && !document.hidden && !box.get('hidden') && !box.get('closed') ? sentenceOf(box, message) : '';
        if (!text || !region) return;
        const sentence = document.createElement('p');
        sentence.textContent = text;
        region.append(sentence);
        if (region.childElementCount > LATEST) region.firstElementChild?.remove();
    };
    // What the browser has kept is added first, and is not new.
    const watch = (box) => void box.messages.fetched?.then(() => box.messages.on('add', (message) => say(box, message)));
    api.listen.on('chatBoxInitialized', watch);
    api.listen.on('chatRoomInitialized', watch);
}
