/**
 * What a promise resolves with, or null if that takes too long: Strophe forgets who waits for an answer when it connects again.
 * @template T
 * @param {Promise<T>} answer
 * @param {number} ms
 * @returns {Promise<T | null>}
 */
export const withTimeout = (answer, ms) => Promise.race([answer, new Promise((resolve) => setTimeout(resolve, ms, null))]);
