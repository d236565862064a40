/** A text as it is compared with what somebody types: without marks on its letters, in small ones. @param {string} text */
export const fold = (text) => text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();

/** Whether a name has all the words that are typed. @param {string} name @param {string} typed */
export function hasWords(name, typed) {
    const folded = fold(name);
    return fold(typed).split(/\s+/u).every((word) => folded.includes(word));
}
