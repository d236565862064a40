/** A text as it is compared with what somebody types: without marks on its letters, in small ones. @param {string} text */
export const fold = (text) => text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();

/** Whether a name has all the words that are typed. @param {string} name @param {string} typed */
export function hasWords(name, typed) {
    const folded = fold(name);
    return fold(typed).split(/\s+/u).every((word) => folded.includes(word));
}

/**
 * Those first whose name is what is typed, then whose name begins so, then of whom a word does.
 * @template {{name: string}} T
 * @param {T[]} all
 * @param {string} typed
 */
export function nearestFirst(all, typed) {
    const wanted = fold(typed);
    const by = /** @type {T[][]} */ ([[], [], [], []]);
    for (const each of all) {
        const name = fold(each.name);
        const at = ` ${name}`.indexOf(` ${wanted}`);
        by[name === wanted ? 0 : at < 0 ? 3 : at ? 2 : 1].push(each);
    }
    return by.flat();
}
