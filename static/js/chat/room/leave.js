// Leaving a room.

import { answers } from '../connection/connectivity.js';
import { panel } from '../panel.js';
import { ask } from '../dialogs/questions.js';

const NOTICE_DELAY_MS = 400; // ms after which somebody who waits is told
const PING_TIMEOUT_MS = 5000; // ms that the server may take to show that there is a connection

/** Rooms that somebody is about to leave. */
export const beingLeft = new WeakSet();

/**
 * Asks, and leaves. Without a connection, which a page may not know of yet, the room would not hear of it, and a stream
 * that goes on would still be in it (XEP-0198 §5).
 */
export async function leave(_converse, room) {
    const { api } = _converse;
    if (beingLeft.has(room)) return; // it was asked, and not answered yet
    beingLeft.add(room);
    let saying;
    try {
        if (!(await wantsToLeave(api, room))) return;
        saying = setTimeout(() => panel.warn('leave', 'Leaving …'), NOTICE_DELAY_MS);
        room.trigger('change', room); // its panel is drawn
        if (navigator.onLine && (await answers(_converse, PING_TIMEOUT_MS))) await room.close();
        else api.alert('error', 'You are still in the room', ['There is no connection. Please try again when you are back online.']);
    } finally {
        beingLeft.delete(room);
        clearTimeout(saying);
        panel.warn('leave');
        room.trigger('change', room);
    }
}

/** @returns {Promise<boolean>} */
function wantsToLeave(api, room) {
    const text = room.features?.get('membersonly') ? 'You can come back: you stay a member.' : 'You can come back when you like.';
    return ask(api, { title: `Leave “${room.getDisplayName()}”?`, text, verb: 'Leave' });
}
