// What time it is by the site's clock. That of a browser may be minutes off, and messages stand in
// the order of their times, are asked for by them, and are new or read by them: so no time of
// another clock stands beside those that archives gave.

/** ms that the browser's clock is ahead of the site's, at most; less than 0: it is behind. */
let ahead = Infinity;

/** How far the last time in a conversation may be ahead of the site's: what comes then comes after it. */
const MAX_LAST_AHEAD_MS = 10_000;

/** By how much something said may be ahead of what is known: more is the wrong clock of another server. */
const MAX_AHEAD_MS = 60_000;

export const siteTime = {
    /** The site said what time it was, between when it was asked and now. @param {number} at @param {number} asked by the browser's clock */
    tell(at, asked) {
        const [least, most] = [asked - at, Date.now() - at];
        ahead = ahead < least ? most : Math.min(ahead, most); // the browser's clock was set
    },

    /** Something that was said at a time has come: it cannot be earlier now. @param {number} at */
    hear(at) {
        if (ahead < Infinity && at - siteTime.now() < MAX_AHEAD_MS) ahead = Math.min(ahead, Date.now() - at);
    },

    isKnown: () => ahead < Infinity,

    now: () => Date.now() - (ahead < Infinity ? ahead : 0),
};

/** When something is said in a conversation now, or looked at: after all that is there. @returns {string} ISO 8601 */
export function timeIn(box) {
    const now = siteTime.now();
    const last = Date.parse(box.messages.models.at(-1)?.get('time'));
    return new Date(last >= now && last < now + MAX_LAST_AHEAD_MS ? last + 1 : now).toISOString();
}

/** Of a time before the year 2109: Prosody 13 gives ids of an earlier draft, which begin with seconds, and would be of 2203. */
const UUID7 = /^0[0-3][\da-f]{6}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/i;

/** When a message was said, by its id: the first 48 bits are milliseconds (RFC 9562 §5.7). Other ids do not tell. @param {string} id */
export const timeOfUUID = (id) => (UUID7.test(id) ? new Date(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toISOString() : undefined);
