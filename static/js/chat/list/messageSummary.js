// What the server tells of a message besides the message itself: in rooms that are followed
// (follow.js), and of what is pinned (room/pins.js).

import { siteTime, timeOfUUID } from '../siteTime.js';
import { addressIn, nameOfFile } from './entries.js';

export const NS_SAID = 'urn:foyer:said:0';

/**
 * What a message says, as a line.
 * @param {Element} said
 * @returns {import('./entries.js').Line & {id: string, by: string, answers: string, named: string[], change: string}} answers: whose message it is an answer to, if it is one; named: whom it refers to; change: "edited", "deleted" if it is known, and says something else now
 */
export function parseSummary(said) {
    const id = said.getAttribute('id') ?? '';
    const text = (said.textContent ?? '').replaceAll(/\s+/g, ' ').trim();
    const address = addressIn(text);
    const file = address && nameOfFile(address);
    const change = said.getAttribute('change') ?? '';
    const kind = change === 'deleted' ? 'deleted' : said.getAttribute('encrypted') ? 'encrypted' : file === undefined ? undefined : 'file';
    return { id, at: timeOfUUID(id) ?? new Date(siteTime.now()).toISOString(), by: said.getAttribute('by') ?? '', answers: said.getAttribute('answers') ?? '', named: (said.getAttribute('named') ?? '').split(' ').map(decodeURIComponent), mine: said.getAttribute('mine') === 'true', text: file ?? text, kind, change };
}
