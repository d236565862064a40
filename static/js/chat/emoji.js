// Up to three emoji alone are shown large. Converse takes them for that only with spaces between them.

// A picture by itself, or by what makes it one, with its skin or its flag; what is joined of several is one.
const PICTURE = String.raw`(?:\p{EPres}|\p{ExtPict}(?=[\uFE0F\p{EMod}]))[\uFE0F\p{EMod}]?[\u{E0020}-\u{E007F}]*`;
const FEW = new RegExp(String.raw`^\s*(?:(?:\p{RI}{2}|[#*\d]\uFE0F?\u20E3|${PICTURE}(?:\u200D${PICTURE})*)\s*){1,3}$`, 'u');

/** @param {Converse.Private} _converse */
// Patch: emoji-together
export function enlargeEmoji({ api }) {
    const look = (of, attributes) => (FEW.test(attributes.original_text ?? attributes.body) ? { ...attributes, is_only_emojis: true } : attributes);
    for (const hook of /** @type {const} */ (['parseMessage', 'parseMUCMessage', 'getOutgoingMessageAttributes'])) api.listen.on(hook, look);
}
