// What the site tells of one's conversations (app/conversations.go).

import { around } from '../../dom.js';

/** @typedef {import('./entries.js').Entry} Entry */

// What is asked when somebody signs out is asked for nobody.
const leaving = new AbortController();
document.addEventListener('submit', (event) => around(event, '[data-signout]') && leaving.abort(), { capture: true });

/** Whether somebody signs out, so that nothing is answered any more. */
export const isLeaving = () => leaving.signal.aborted;

async function ask(path) {
    const response = await fetch(path, { headers: { Accept: 'application/json' }, cache: 'no-store', signal: leaving.signal });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    /** @type {{conversations: Entry[]}} */
    const { conversations } = await response.json();
    return new Map(conversations.map((entry) => [entry.jid, entry]));
}

/** One's conversations, by their addresses. */
export const askConversations = () => ask('/xmpp/conversations');

/** People and rooms that one can talk with, by their addresses. */
export const askFor = (/** @type {string} */ typed) => ask(`/xmpp/find?q=${encodeURIComponent(typed)}`);
