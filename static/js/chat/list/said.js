// What the server tells of a message besides the message itself: in rooms that are followed
// (follow.js), and of what is pinned (room/pins.js).

import { siteTime } from '../siteTime.js';
import { addressIn, nameOfFile } from './entries.js';

export const SAID = 'urn:foyer:said:0';

/** Of a time before the year 2109: Prosody 13 gives ids of an earlier draft, which begin with seconds, and would be of 2203. */
const UUID7 = /^0[0-3][\da-f]{6}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/i;

/** When a message was said, by its id: the first 48 bits are milliseconds (RFC 9562 §5.7). Other ids do not tell. @param {string} id */
export const timeOf = (id) => (UUID7.test(id) ? new Date(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toISOString() : undefined);

/**
 * What a message says, as a line.
 * @param {Element} said
 * @returns {import('./entries.js').Line & {id: string, by: string, answers: string, named: string[], change: string}} answers: whose message it is an answer to, if it is one; named: whom it refers to; change: "edited", "deleted" if it is known, and says something else now
 */
export function lineOfSaid(said) {
    const id = said.getAttribute('id') ?? '';
    const text = (said.textContent ?? '').replaceAll(/\s+/g, ' ').trim();
    const address = addressIn(text);
    const file = address && nameOfFile(address);
    const change = said.getAttribute('change') ?? '';
    const kind = change === 'deleted' ? 'deleted' : said.getAttribute('encrypted') ? 'encrypted' : file === undefined ? undefined : 'file';
    return { id, at: timeOf(id) ?? new Date(siteTime.now()).toISOString(), by: said.getAttribute('by') ?? '', answers: said.getAttribute('answers') ?? '', named: (said.getAttribute('named') ?? '').split(' ').map(decodeURIComponent), mine: said.getAttribute('mine') === 'true', text: file ?? text, kind, change };
}
