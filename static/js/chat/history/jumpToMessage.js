// Opens a conversation at one of its messages: what was said around it is fetched from
// the archive (XEP-0313), and scrolling goes on from there both ways. What is missing
// between there and what is known stays a gap (gaps.js).

import { waitFor } from '../../dom.js';
import { isTimeout } from './gaps.js';
import { withTimeout } from '../withTimeout.js';
import { timeOfUUID } from '../siteTime.js';
import { panel } from '../panel.js';
import { goesBy } from '../messages/versions.js';

const FETCHED_AROUND = 30; // messages before and after it
const HIGHLIGHT_MS = 2500; // ms that it stays marked
const FETCH_TIMEOUT_MS = 20_000; // ms that the archive may take for all of it

/** Whose ids a conversation's messages have. */
const keyOf = (_converse, chat) => `stanza_id ${chat.get('type') === 'chatroom' ? chat.get('jid') : _converse.session.get('bare_jid')}`;

/** The jump that was begun last in a conversation: one before it, whose place comes later, is over. @type {WeakMap<object, object>} */
const jumps = new WeakMap();

/** Somebody goes elsewhere in a conversation. @param {any} chat */
export const endJump = (chat) => jumps.delete(chat);

/** @param {Converse.Private} _converse */
export async function jumpToMessage(_converse, jid, id) {
    const chat = _converse.state.chatboxes.get(jid);
    if (!chat) return;
    const jump = {};
    jumps.set(chat, jump);
    markScrolledUp(chat);
    await chat.messages.fetched;
    const key = keyOf(_converse, chat);
    const find = () => chat.messages.models.find((message) => goesBy(message, key, id));
    let missing = 'That message no longer exists.';
    const TRY_LATER = 'It could not be loaded. Please try again in a moment.';
    try {
        if (!find() && (await withTimeout(fetchAround(_converse, chat, id), FETCH_TIMEOUT_MS)) === null) missing = TRY_LATER;
    } catch (cause) {
        console.warn('A place in a conversation was not fetched.', cause);
        if (isTimeout(cause) || !_converse.api.connection.connected()) missing = TRY_LATER;
    }
    if (jumps.get(chat) !== jump) return;
    const message = find() ?? nearest(chat, timeOfUUID(id)); // a correction stands where what it corrects does
    panel.warn('place', message ? '' : missing);
    if (message) await scrollTo(chat, message);
    else chat.ui.set({ scrolled: false });
}

/** A message is being shown: what stands at the end of the conversation is not in sight, and not read, unless both are. @param {any} chat */
export const markScrolledUp = (chat) => chat?.ui.set({ scrolled: true });

function nearest(chat, time) {
    const away = (message) => Math.abs(Date.parse(message.get('time')) - Date.parse(time));
    return chat.messages.models.filter((message) => message.get('body') && away(message) < 1000).sort((a, b) => away(a) - away(b))[0];
}

async function fetchAround(_converse, chat, id) {
    const { fetchArchivedMessages } = window.converse.env.utils.mam;
    const at = timeOfUUID(id) ?? ''; // another server's is taken for older than what is here
    const key = keyOf(_converse, chat);
    const known = () => chat.messages.models.filter((message) => message.get(key));
    if (!known().some((message) => message.get('time') > at)) await fetchArchivedMessages(chat, { rsm: { before: '' } });
    await chat.msg_chain;
    if (known().some((message) => message.get(key) === id)) return;
    const next = known().find((message) => message.get('time') > at);
    const previous = known().filter((message) => message.get('time') < at).at(-1);
    const after = await fetchAfter(_converse, chat, id, next);
    await fetchArchivedMessages(chat, { mam: { start: at && previous?.get('time') }, rsm: { before: after.first ?? '', max: FETCHED_AROUND } });
    await chat.msg_chain;
}

/**
 * Fetches some of what comes after a message, up to what is known.
 * @param {string} id the message's
 * @param {any} next the first message that is known after it
 */
async function fetchAfter(_converse, chat, id, next) {
    const { api, exports } = _converse;
    const query = {
        is_groupchat: chat.get('type') === 'chatroom',
        mam: { with: chat.get('jid'), end: next?.get('time') },
        rsm: { after: id, max: FETCHED_AROUND },
    };
    const result = await api.archive.query(query);
    if (result.error) throw result.error;
    await exports.handleMAMResult(chat, result, query, {});
    await chat.msg_chain;
    const { first, last } = result.rsm?.result ?? {};
    if (next) setGap(_converse, chat, result.complete ? '' : last, next);
    return { first };
}

/**
 * Notes and shows what is missing between two messages, as gaps.js does: it is fetched when somebody scrolls there.
 * @param {string} after the id of the first; "" if nothing is missing any more
 */
function setGap(_converse, chat, after, next) {
    const key = keyOf(_converse, chat);
    const before = next.get(key);
    const gaps = (chat.get('gaps') ?? []).filter((other) => other.before !== before);
    for (const shown of chat.messages.filter((message) => message.get('before') === before)) shown.destroy();
    const start = chat.messages.models.find((message) => message.get(key) === after)?.get('time') ?? timeOfUUID(after);
    if (start) {
        const gap = { after, before, start, time: new Date(Date.parse(next.get('time')) - 1).toISOString() };
        gaps.push(gap);
        chat.messages.add(new _converse.exports.MAMPlaceholderMessage({ ...gap, template_hook: 'getMessageTemplate' }));
    }
    chat.save({ gaps });
}

/**
 * Fetches what is missing, from the side that somebody reads from.
 * @param {any} gap
 * @param {any} previous the message before it, for somebody who reads down
 */
export async function fillGap(_converse, gap, previous) {
    const { chatbox: chat, models } = gap.collection;
    const key = keyOf(_converse, chat);
    const id = previous && (gap.get('after') ?? previous.get(key));
    const next = id && models.find((message) => message.get(key) === gap.get('before'));
    if (!next) return gap.fetchMissingMessages();
    gap.set('fetching', true);
    return fetchAfter(_converse, chat, id, next).catch(() => gap.fetchMissingMessages()); // which says so
}

/** Draws the messages around one, brings it into the middle, and marks it for a moment. */
async function scrollTo(chat, message) {
    const content = await drawn(chat.get('jid'));
    if (!content) return chat.ui.set({ scrolled: false }, { silent: true });
    content.view.around(message);
    const element = await waitFor(() => /** @type {HTMLElement|undefined} */ ([...content.querySelectorAll('converse-chat-message')].find((each) => each.model === message)));
    if (!element) return content.view?.tell(); // not drawn: it may be the end that is in sight
    await element.updateComplete;
    content.view.show(element);
    element.dataset.found = '';
    setTimeout(() => delete element.dataset.found, HIGHLIGHT_MS);
}

/** The element that draws a conversation, once it does. */
const drawn = (jid) =>
    waitFor(() => {
        const content = /** @type {any} */ (document.querySelector(`#chat :is(converse-chat, converse-muc)[jid="${CSS.escape(jid)}"] :is(converse-chat-content, converse-muc-chat-content)`));
        return content?.view?.scroller && content;
    });
