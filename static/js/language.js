// The language that pages are in, which Converse speaks, too; and how dates and sizes are
// written in it: as in the browser's part of the world, where that speaks the language.

/** The page's language, as its `lang` says. */
export const language = () => globalThis.document?.documentElement?.lang || 'en';

const base = (/** @type {string} */ tag) => tag.split('-')[0].toLowerCase();

/** The browser's kind of the page's language, such as en-GB. */
export const locale = () => (globalThis.navigator?.languages ?? []).find((tag) => base(tag) === base(language())) ?? language();
