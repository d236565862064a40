/** A text as it is compared with what somebody types: without marks on its letters, in small ones. @param {string} text */
export const fold = (text) => text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();
