// A message stays where it was said, and an answer an answer, whatever becomes of it.
// What somebody takes back stays a line.

/**
 * What the archive tells of a message once more is an edit (XEP-0308) or a reaction (XEP-0444). Converse
 * takes the time of that for the message's, which then stands below what was said in between, from the next page on.
 * @param {Converse.Private} _converse
 */
export function keepEditedInPlace({ api, exports }) {
    // Patch: edited-in-place
    api.listen.on('getUpdatedMessageAttributes', (message, updated, received) => {
        if (!received.replace_id && !received.reaction_to_id) return updated;
        const { time, ...others } = updated;
        return others;
    });
    // Patch: edited-quote
    api.listen.on('getOutgoingMessageAttributes', withQuote);
    keepText(exports.MUC);
    keepTombstone(exports.Message);
}

/** What one takes back between two people, Converse removes ten seconds later, or ten seconds after the next page has loaded it: in the browser's store, too. */
// Patch: tombstones
function keepTombstone({ prototype }) {
    const { isEphemeral } = prototype;
    prototype.isEphemeral = function () {
        return this.isRetracted() ? false : isEphemeral.call(this);
    };
}

/** Of what one said in a room, Converse takes the text again whenever the room tells it once more, the first text after the edit as well. */
// Patch: edited-text
function keepText({ prototype }) {
    const { getUpdatedMessageAttributes } = prototype;
    prototype.getUpdatedMessageAttributes = async function (message, received) {
        const updated = await getUpdatedMessageAttributes.call(this, message, received);
        if (!message.get('edited') || received.replace_id) return updated;
        const { body, ...others } = updated;
        return others;
    };
}

/**
 * An answer begins with what it answers, for apps that know no answers, and says how much of it that is (XEP-0461 §3.1).
 * Of one that is edited, Converse sends the new text alone and says the same, so that as much of it is seen by nobody.
 */
function withQuote(chat, attributes) {
    const { fallback, reply_to_id: answers, is_encrypted: encrypted, plaintext, body } = attributes.corrects?.attributes ?? {}; // composer/sendContext.js
    const end = answers && fallback?.['urn:xmpp:reply:0']?.end;
    if (!end) return attributes;
    const quote = [...((encrypted && plaintext) || body || '')].slice(0, end).join(''); // counted in code points (XEP-0426)
    const quoted = (text) => text && quote + text;
    return {
        ...attributes,
        body: attributes.is_encrypted ? attributes.body : quoted(attributes.body),
        plaintext: quoted(attributes.plaintext),
        message: quoted(attributes.message),
        references: attributes.references?.map((each) => ({ ...each, begin: each.begin + quote.length, end: each.end + quote.length })),
    };
}
