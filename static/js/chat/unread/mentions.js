// Whether a message in a room is to somebody, among all who have it: it answers them, or refers to them, or has one of
// their names with an @ before it, or one of several words without. Web push goes by the same rule (internal/stanza/addressed.go).

const quote = (text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Whether one of these names stands in a text so that it counts, and is no part of another word or name. @param {string} text @param {string[]} names */
export function mentions(text, names) {
    const known = names.map((name) => (/\s/.test(name) ? '@?' : '@') + quote(name)).join('|');
    return new RegExp(`(?<![\\p{L}\\p{N}_])(?:${known})(?![\\p{L}\\p{N}_]|[.-][\\p{L}\\p{N}])`, 'iu').test(text);
}

/** Whether two lists have something in common, whatever its case. @param {string[]} some @param {string[]} others */
export const meet = (some, others) => some.some((one) => others.some((other) => one && one.toLowerCase() === other.toLowerCase()));
