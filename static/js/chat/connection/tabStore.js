// What a tab keeps for its next page. Browsers give it some five million characters; what
// finds no room is not kept, and nothing else fails for it.

/**
 * Keeps a text under a key; without room there stays what was there.
 * @param {string} key
 * @param {string} text
 * @returns {boolean} whether it is kept
 */
export function keepInTab(key, text) {
    try {
        sessionStorage.setItem(key, text);
        return true;
    } catch {
        return false;
    }
}
