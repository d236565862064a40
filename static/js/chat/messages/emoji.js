// Up to three emoji alone are shown large; emoji that did not load are asked for again.

// Converse takes several emoji for emoji alone only with spaces between them.

// A picture by itself, or by what makes it one, with its skin or its flag; what is joined of several is one.
const PICTURE = String.raw`(?:\p{EPres}|\p{ExtPict}(?=[\uFE0F\p{EMod}]))[\uFE0F\p{EMod}]?[\u{E0020}-\u{E007F}]*`;
const FEW = new RegExp(String.raw`^\s*(?:(?:\p{RI}{2}|[#*\d]\uFE0F?\u20E3|${PICTURE}(?:\u200D${PICTURE})*)\s*){1,3}$`, 'u');

/** @param {Converse.Private} _converse */
// Patch: emoji-together
export function enlargeEmoji({ api }) {
    const look = (of, attributes) => (FEW.test(attributes.original_text ?? attributes.body) ? { ...attributes, is_only_emojis: true } : attributes);
    for (const hook of /** @type {const} */ (['parseMessage', 'parseMUCMessage', 'getOutgoingMessageAttributes'])) api.listen.on(hook, look);
}

const MIN_RETRY_MS = 5000; // ms after which what did not load is asked for again, and then each time twice as many
const MAX_RETRY_MS = 300_000; // ms between two times

/**
 * Emoji come by a request of their own, with the first message. Messages do not wait for
 * them, nor does anything break, where it failed.
 * @param {Converse.Private} _converse
 */
// Patch: emoji-again
export function loadEmojiAgain({ api }) {
    const { emojis, env } = window.converse;
    let pause = MIN_RETRY_MS;
    const load = async () => {
        Object.assign(emojis, { initialized: false, toned: undefined });
        await api.emojis.initialize();
        // What was looked up meanwhile is kept for good.
        for (const by of ['cp', 'sn']) Object.assign(env.u.emojis.getEmojisByAttribute(by), Object.fromEntries(emojis.list.map((emoji) => [emoji[by], emoji])));
        for (const part of document.querySelectorAll('converse-emoji-picker, converse-emoji-picker-content')) /** @type {any} */ (part).requestUpdate();
    };
    const again = () => (navigator.onLine ? load() : window.addEventListener('online', load, { once: true }));
    api.listen.on('loadEmojis', (_context, json) => {
        if (Object.keys(json).length > 0) return json;
        setTimeout(again, pause);
        pause = Math.min(2 * pause, MAX_RETRY_MS);
        return Object.fromEntries(Object.keys(api.settings.get('emoji_categories')).map((name) => [name, {}]));
    });
}
