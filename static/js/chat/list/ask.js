// What the site tells of one's conversations (app/conversations.go).

import { around } from '../../dom.js';
import { siteTime } from '../siteTime.js';

/** @typedef {import('./entries.js').Entry} Entry */

// What is asked when somebody signs out is asked for nobody.
const leaving = new AbortController();
document.addEventListener('submit', (event) => around(event, '[data-signout]') && leaving.abort(), { capture: true });

/** Whether somebody signs out, so that nothing is answered any more. */
export const isLeaving = () => leaving.signal.aborted;

/** @param {string} path @param {Record<string, string>} [headers] */
const ask = (path, headers) => fetch(path, { headers: { Accept: 'application/json', ...headers }, cache: 'no-store', signal: leaving.signal });

async function entriesIn(/** @type {Response} */ response) {
    if (!response.ok) throw new Error(`${response.url}: ${response.status}`);
    /** @type {{conversations: Entry[], more?: boolean}} */
    const { conversations, more = false } = await response.json();
    return { conversations: new Map(conversations.map((entry) => [entry.jid, entry])), more };
}

/**
 * One's conversations, by their addresses, whether there are more, and the tag of this answer; null: they are as in the answer that has
 * the tag. The answer says what time it is.
 * @param {string} [tag]
 * @param {number} [further] people, after those who are told without that
 */
export async function askConversations(tag, further) {
    const asked = Date.now();
    const response = await ask(`/xmpp/conversations${further ? `?further=${further}` : ''}`, tag ? { 'If-None-Match': tag } : {});
    const at = Number(response.headers.get('Foyer-Time'));
    if (at) siteTime.tell(at, asked);
    return response.status === 304 ? null : { ...(await entriesIn(response)), tag: response.headers.get('ETag') ?? '' };
}

/**
 * People and rooms that one can talk with, by their addresses.
 * @param {{q: string} | string[][]} what is typed, or user names: [['user', 'bob'], …]
 */
export const askFor = async (what) => (await entriesIn(await ask(`/xmpp/find?${new URLSearchParams(what)}`))).conversations;
