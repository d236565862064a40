// Whose messages are looked for: what is typed for that, and whom it may mean.

import { ask, peopleOf } from './find.js';
import { hasWords, nearestFirst } from './fold.js';

const MAX_SUGGESTED = 20;
const TYPED = /(?:^|\s)from:(\S*)/iu;

/** @typedef {{jid: string, name: string, picture?: string, room?: boolean, self?: boolean}} Author */

/** How the name of an author begins that a text has after "from:"; empty: of anybody. @param {string} text */
export const typedAuthor = (text) => TYPED.exec(text)?.[1];

/** A text without that. @param {string} text */
export const takeAuthor = (text) => text.replace(TYPED, '').trim();

/** Who is in a room or belongs to it, which is asked once. */
let asked = { where: '', people: /** @type {Promise<Author[]>} */ (Promise.resolve([])) };

/** The next time somebody looks for them; those whom one talks with, and whom the site finds, are offered. @returns {Author[]} */
const askAgain = () => ((asked.where = ''), []);

/**
 * Who may be meant: oneself, who is in the room that is searched, whom one talks with, whom the site finds.
 * @param {import('../types.js').ChatConfig} config
 * @param {Author[]} listed the list of conversations
 * @param {string} name how it begins
 * @param {string} where the conversation that is searched, if it is one
 * @param {AbortSignal} signal
 */
export async function findAuthors({ jid: me, name: mine, picture, roomsDomain }, listed, name, where, signal) {
    const isRoom = where.split('@')[1] === roomsDomain;
    if (isRoom && asked.where !== where) asked = { where, people: peopleOf(where).catch(askAgain) };
    const [there, { conversations }] = await Promise.all([isRoom ? asked.people : [], name ? ask('/xmpp/find', { q: name }, signal) : { conversations: [] }]);
    /** @type {Map<string, Author>} */
    const found = new Map();
    for (const each of [...there, ...listed, ...conversations]) {
        const { jid } = each;
        if (!each.room && !found.has(jid) && (isRoom || !where || jid === where) && hasWords(`${each.name} ${jid.split('@')[0]}`, name)) found.set(jid, each);
    }
    found.delete(me);
    const isMe = hasWords(`me ${mine}`, name);
    const others = nearestFirst([...found.values()], name);
    return [...(isMe ? [{ jid: me, name: mine, picture, self: true }] : []), ...others].slice(0, MAX_SUGGESTED);
}
