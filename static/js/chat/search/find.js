// What the site is asked for when somebody looks for something: messages by their words
// (app/search.go), rooms by their names (app/rooms_chat.go).

/**
 * @typedef {object} Found a message
 * @property {string} id
 * @property {string} at ISO 8601
 * @property {string} who
 * @property {string} jid of its conversation
 * @property {string} name of its conversation
 * @property {string} [picture]
 * @property {boolean} room
 * @property {boolean} [mine]
 * @property {boolean} [file]
 * @property {string} [url] of the file, when files alone are looked for
 * @property {string} address
 * @property {string} text
 * @property {[number, number][]} [marks]
 *
 * @typedef {object} Messages a page of messages that were found
 * @property {Found[]} messages
 * @property {string} [next] before which the next page is
 * @property {boolean} [late] there was no time to look everywhere
 */

const SEARCH_TIMEOUT_MS = 15_000; // the site takes two seconds at most

/** What somebody is told when the site did not answer as it should. */
const FAILED = 'The search did not work. Please try again.';

/** In words, why something could not be looked for. @param {unknown} cause */
export const failureText = (cause) => (navigator.onLine ? /** @type {Error} */ (cause).message || FAILED : 'You are offline. The search works again when you are back.');

/**
 * @param {string} path
 * @param {Record<string, string>} [parameters]
 * @param {AbortSignal} [signal]
 */
export async function ask(path, parameters = {}, signal) {
    const response = await fetch(`${path}?${new URLSearchParams(parameters)}`, { headers: { Accept: 'application/json' }, cache: 'no-store', signal }).catch((cause) => {
        throw signal?.aborted && signal.reason.name === 'AbortError' ? cause : new Error(FAILED);
    });
    if (response.status === 429) throw new Error('Too many searches at once. Please try again in a moment.');
    if (response.status === 503) throw new Error((await response.json().catch(() => ({}))).error || FAILED);
    if (!response.ok) throw new Error(FAILED);
    return response.json();
}

/**
 * Who is in a room of the site and who belongs to it; nobody where another server knows them.
 * @param {string} jid of the room
 * @returns {Promise<import('../room/members.js').Known[]>}
 */
export const peopleOf = (jid) => ask(`/xmpp/rooms/${encodeURIComponent(jid.split('@')[0])}/people`).then(({ people }) => people);

/** The search for messages that is under way, whoever asked for it. @type {Promise<unknown>} */
let last = Promise.resolve();

/**
 * Messages that have what is asked for. The site does one search of a person at a time, and goes on
 * with one that nobody waits for any more: so the next begins when the last is over, and those
 * that were given up meanwhile never do.
 * @param {Record<string, string>} asks
 * @param {AbortSignal} signal
 * @returns {Promise<Messages>}
 */
export function findMessages(asks, signal) {
    const turn = last.then(() => {
        signal.throwIfAborted();
        return ask('/xmpp/search', asks, AbortSignal.timeout(SEARCH_TIMEOUT_MS));
    });
    last = turn.catch(() => {});
    return turn.then((answer) => {
        signal.throwIfAborted();
        return answer;
    });
}

/** Who said a message, and where. @param {Found} found */
export function whereSaid({ mine, who, room, name }) {
    const by = mine ? 'You' : who;
    if (room) return `${by} in ${name}`;
    return mine ? `You to ${name}` : by;
}
