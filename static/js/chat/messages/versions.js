// The ids that a message goes by. An edit is a stanza of its own, with ids of its own, and
// whatever refers to the message names the first (XEP-0308 §4); some apps name the edit that
// they show. Converse gives a message the ids of its latest edit, on every page but its
// author's: what refers to it by these is not found there. Here a message keeps the ids it was
// said with, and knows those of its edits.

const OTHERS = 'ids_of_edits';

/** What a stanza is called: by who sent it, and by the archives. @returns {Record<string, string>} */
const namesOf = (attributes) => Object.fromEntries(Object.entries(attributes).filter(([name, id]) => id && (name === 'origin_id' || name.startsWith('stanza_id '))));

/** @returns {string[]} */
const idsOf = (attributes) => [attributes.msgid, ...Object.values(namesOf(attributes))].filter(Boolean);

/** Ids that a message has besides its own. @returns {string[]} */
const withOthers = (message, ids) => [...new Set([...(message.get(OTHERS) ?? []), ...ids])];

/** Whether what was received is from who said a message. */
const isOfAuthor = (message, received) => (message.get('occupant_id') ?? message.get('from')) === (received.occupant_id ?? received.from);

/** Whether a message, or an edit of it, has an id in somebody's archive. @param {string} key where the message has its own */
export const goesBy = (message, key, id) => message.get(key) === id || Boolean(message.get(OTHERS)?.includes(id));

/** The message with an edit of one of these ids. */
const edited = (chat, ids) => chat.messages.models.find((message) => message.get(OTHERS)?.some((id) => ids.includes(id)));

/**
 * An edit makes of a message what it says now; its ids are noted beside the message's own.
 * All at once: who looks for the message by its ids in between, as what answers it does when
 * it is drawn again, finds it.
 */
function keepIds(prototype) {
    const { handleCorrection } = prototype;
    prototype.handleCorrection = async function (attributes) {
        const ids = idsOf(attributes); // it takes some of them away
        const { replace_id: first } = attributes;
        const known = first && this.messages.models.find((message) => message.get('msgid') === first && isOfAuthor(message, attributes));
        if (known) Object.assign(attributes, namesOf(known.attributes), { [OTHERS]: withOthers(known, ids) });
        const corrected = await handleCorrection.call(this, attributes);
        if (!known || corrected !== known) return corrected;
        known.save({ [OTHERS]: withOthers(known, ids) }); // of an edit that came too late, too
        for (const early of this.messages.models) {
            if (early.get('dangling_reaction') && ids.includes(early.get('reaction_to_id'))) early.set({ reaction_to_id: known.get('msgid') });
        }
        return known;
    };
}

/** A room sends one's own edit back, and Converse takes the ids that it has in the archive. */
function keepOwnIds(prototype) {
    const { getUpdatedMessageAttributes } = prototype;
    prototype.getUpdatedMessageAttributes = async function (message, received) {
        const updated = await getUpdatedMessageAttributes.call(this, message, received);
        return received.replace_id && isOfAuthor(message, received) ? { ...updated, ...namesOf(message.attributes) } : updated;
    };
}

/** Somebody may take back what they said by the id of an edit. */
function takeBackByAny(prototype) {
    const { handleRetraction } = prototype;
    prototype.handleRetraction = async function (attributes) {
        const message = attributes.retracted_id && edited(this, [attributes.retracted_id]);
        if (message && isOfAuthor(message, attributes)) attributes.retracted_id = message.get('msgid');
        return handleRetraction.call(this, attributes);
    };
}

/** Somebody may answer a message by the id of an edit. */
function answerAny(prototype) {
    const { getReferencedMessage } = prototype;
    prototype.getReferencedMessage = function (id) {
        return getReferencedMessage.call(this, id) ?? (id ? edited(this, [id]) : undefined);
    };
}

/** @param {Converse.Private} _converse */
// Patch: versions
export function knowVersions({ api, exports }) {
    for (const { prototype } of [exports.ChatBox, exports.MUC]) {
        keepIds(prototype);
        takeBackByAny(prototype);
        answerAny(prototype);
    }
    keepOwnIds(exports.MUC.prototype);
    // One's own edit: Converse gives the message the id that it sends.
    api.listen.on('sendMessage', ({ message }) => {
        if (message.get('edited')) message.save({ origin_id: message.get('msgid'), [OTHERS]: withOthers(message, idsOf({ origin_id: message.get('origin_id') })) });
    });
    api.listen.on('getDuplicateMessageQueries', (chat, queries, received) => {
        const { reaction_to_id: to } = received;
        const ids = to ? [to] : received.replace_id ? idsOf(received) : [];
        const message = ids.length > 0 && edited(chat, ids);
        // The second: an edit is here, and what it edits is further up.
        return [...queries, ...(message ? [{ id: message.get('id') }] : []), ...(to ? [{ replace_id: to }] : [])];
    });
    api.listen.on('getUpdatedMessageAttributes', (message, updated, received) =>
        received.replace_id && isOfAuthor(message, received) ? { ...updated, [OTHERS]: withOthers(message, idsOf(received)) } : updated);
}
