/** How long somebody who types may pause before the site is asked, in all fields that look for something. */
export const SEARCH_DEBOUNCE_MS = 180;
