// Gaps in the history. After a long absence Converse fetches the last page of what
// was said, and the pages before it when somebody scrolls there. It forgets on the
// next page of the site that there was more; so it is noted with the chat.
//
// After a stream was lost Converse asks for what came after the last message it knows.
// That may be one which the next stream has brought already, while older ones went down
// with the stream; so the last one before the loss counts.
//
// It asks by time, for the last page of what came since. By the id after which something came (XEP-0313 §4.1.3)
// it could ask without any clock, but only servers with #extended know that beside "the last page"; else it would have
// to read forwards through all of a long absence. Of this site's archive the id says the time anyway; of others only
// times count that the archive gave, or the site's clock, and some of what is known is asked for once more.

import { isTimed } from './times.js';
import { timeOfUUID } from '../siteTime.js';

const MAX_CLOCK_DIFFERENCE_MS = 60_000; // ms that an archive's clock, and the way from there, may differ from the site's

/**
 * What one says on other devices (XEP-0280) is asked for at once: a server answers in turn, so that what the archive has not
 * yet comes by itself. Converse looks first whether it may ask, and what is said until then would come by neither.
 * @param {Converse.Api} api
 */
// Patch: copies-first
function askForCopies(api) {
    const { stx, u } = window.converse.env;
    const ask = () => api.sendIQ(stx`<iq type="set" id="${u.getUniqueId('copies')}" xmlns="jabber:client"><enable xmlns="urn:xmpp:carbons:2"/></iq>`, undefined, false);
    api.listen.on('connected', ask);
    api.listen.on('reconnected', ask);
}

/** Up to when a conversation is known to be whole, where something is missing in the browser's store. @type {WeakMap<object, string>} */
const wholeUpTo = new WeakMap();

/**
 * What the store has of a conversation: a page that went away may have named messages there, and not stored them. Without
 * these; and the archive is asked for what came since the one before them.
 * @param {object} chat
 * @param {any[]} stored null where there is nothing
 */
export function withoutHoles(chat, stored) {
    const hole = stored.findIndex((message) => !message);
    if (hole < 0) return stored;
    wholeUpTo.set(chat, stored[hole - 1]?.time ?? '');
    return stored.filter(Boolean);
}

/**
 * Asks from the last message on of which it is known when it was said: not from one's own, which has no id yet.
 * @param {Converse.Private} _converse
 * @param {import('../unread/readMarkers.js').Markers} markers
 */
function askSinceWhatIsTimed({ exports }, markers) {
    for (const { prototype } of [exports.ChatBox, exports.MUC]) {
        // Patch: known-since
        prototype.getMostRecentMessage = function () {
            const until = wholeUpTo.get(this) ?? '9'; // later than any time
            return this.messages.models.findLast((message) => this.isChatMessage(message) && isTimed(message, markers.key(this)) && message.get('time') <= until);
        };
    }
}

/**
 * A gap stays until what was fetched for it is there: without it the first message that is known would be the first of all, and what begins
 * the conversation would stand above it for a moment.
 * @param {Converse.Private} _converse
 */
function keepUntilFilled({ exports }) {
    const { prototype } = exports.MAMPlaceholderMessage;
    const { fetchMissingMessages, destroy } = prototype;
    // Patch: gap-filled
    /** @this {any} */
    prototype.fetchMissingMessages = function () {
        const chat = this.collection.chatbox;
        this.destroy = (...how) => Promise.resolve(chat.msg_chain).finally(() => destroy.apply(this, how));
        return fetchMissingMessages.call(this);
    };
}

/**
 * @param {Converse.Private} _converse
 * @param {import('../unread/readMarkers.js').Markers} markers
 */
export function rememberGaps(_converse, markers) {
    const { api } = _converse;
    askForCopies(api);
    askSinceWhatIsTimed(_converse, markers);
    keepUntilFilled(_converse);
    const query = api.archive.query;
    const heard = new Map(); // when somebody else last said something before the loss, by address

    api.listen.on('will-reconnect', () => {
        for (const chat of _converse.state.chatboxes?.models ?? []) {
            if (!heard.has(chat.get('jid'))) heard.set(chat.get('jid'), lastHeard(chat));
        }
    });
    // What was asked for before gets no answer any more, not even what was asked for after the loss: a stream that does not answer counts as connected until the next.
    api.listen.on('reconnected', () => {
        for (const chat of _converse.state.chatboxes?.models ?? []) {
            for (const gap of chat.messages?.models ?? []) if (gap.get('fetching')) gap.set('fetching', false);
        }
    });

    /** From when on is asked. @param {Converse.ArchiveQuery} options */
    const startOf = ({ mam: { with: jid = '', start = '' } = {}, rsm }) => {
        const since = heard.get(jid);
        const from = since < start ? since : start;
        const chat = rsm?.before === '' && _converse.state.chatboxes.get(jid);
        const last = chat && chat.getMostRecentMessage();
        if (!last || timeOfUUID(last.get(markers.key(chat)) ?? '')) return from;
        return new Date(Date.parse(from) - MAX_CLOCK_DIFFERENCE_MS).toISOString();
    };

    api.archive.query = async (options = {}) => {
        // Patch: asked-since
        if (options.mam?.start) options = { ...options, mam: { ...options.mam, start: startOf(options) } };
        const result = await query(options);
        if (!result.error && options.rsm?.before === '') heard.delete(options.mam?.with); // only what came last answers this: what is unread is asked for, too
        const chat = options.mam?.with && _converse.state.chatboxes.get(options.mam.with);
        if (chat && !result.error && options.rsm?.before === '' && !(options.mam.start > (wholeUpTo.get(chat) ?? ''))) wholeUpTo.delete(chat); // what is missing still is noted as a gap
        // Patch: gaps
        if (chat && options.rsm?.before !== undefined && !isTimeout(result.error)) {
            const gap = options.mam.start && !result.complete ? before(result, options.mam.start) : null;
            const others = (chat.get('gaps') ?? []).filter((g) => ![options.rsm.before, gap?.before].includes(g.before));
            if (gap || chat.get('gaps')) chat.save({ gaps: gap ? [...others, gap] : others });
        }
        return result;
    };
    api.listen.on('afterMessagesFetched', (chat) => {
        for (const gap of chat.get('gaps') ?? []) {
            const shown = { ...gap, template_hook: 'getMessageTemplate' };
            if (!chat.messages.findWhere(shown)) chat.messages.add(new _converse.exports.MAMPlaceholderMessage(shown));
        }
        // Patch: catch-up
        if (chat.get('type') === 'chatroom' && chat.isEntered()) catchUp(chat);
    });
}

/**
 * Asks for what came last. A page that goes away takes along what the browser had
 * not kept yet; a room that is entered still, since the stream was resumed, is not
 * asked by Converse.
 */
function catchUp(room) {
    const { fetchArchivedMessages } = window.converse.env.utils.mam;
    const start = room.getMostRecentMessage()?.get('time');
    return fetchArchivedMessages(room, { mam: { start }, rsm: { before: '' } }).catch(() => {}); // cut off again
}

/** When somebody else last said something in a conversation that is kept here. @returns {string|undefined} */
const lastHeard = (chat) =>
    chat.messages
        ?.filter((message) => message.get('sender') === 'them' && !message.get('is_error'))
        .map((message) => message.get('time'))
        .sort()
        .at(-1);

/** Whether a query may be answered another time. Any other error says that what was asked for is gone. */
export const isTimeout = (error) => Boolean(error) && Object.getPrototypeOf(error) !== Error.prototype;

/** What is missing before a page of the archive (XEP-0313 §4.3), and where it is shown. */
function before(page, start) {
    const delay = page.messages[0]?.getElementsByTagName('delay')[0];
    const oldest = Date.parse(delay?.getAttribute('stamp'));
    if (!oldest || !page.rsm?.result.first) return null;
    return { before: page.rsm.result.first, start, time: new Date(oldest - 1).toISOString() };
}
