// OMEMO, where Converse loses what was encrypted.
//
// A key serves once. Of a message that comes twice in the same moment, from its sender and
// from the archive, Converse reads one; the other has neither a text nor an error, or an
// error, and may come first, since who reads the first message of a device sends a new key
// to the server before. So it waits for the one that is read, and makes room for it if that
// takes long.

import { withTimeout } from '../withTimeout.js';

const READ_TIMEOUT_MS = 2000;

/** What is said without words is encrypted, too, and has no text. */
const isSilent = (attrs) => attrs.is_only_key || attrs.is_marker || attrs.reaction_to_id || ['composing', 'paused', 'inactive', 'gone'].includes(attrs.chat_state);

/** A copy of a message that was read already, or that cannot be read. */
const isUnread = (attrs) => Boolean(attrs?.is_encrypted && !attrs.plaintext && (attrs.is_error ? attrs.error_type === 'Decryption' : attrs.encrypted && !isSilent(attrs)));

/** Tells messages apart: an id is its sender's to give. */
function identity(chat, { msgid, from }) {
    const sender = chat.get('type') === 'chatroom' ? from : from?.split('/')[0];
    return `${msgid} ${sender}`;
}

/**
 * Whether a message was read, now or within moments.
 * @returns {Promise<boolean>}
 */
function wasRead(chat, attrs) {
    const { messages } = chat;
    const wanted = identity(chat, attrs);
    const is = (message) => Boolean(message.get('plaintext')) && identity(chat, message.attributes) === wanted;
    if (messages.models.some(is)) return Promise.resolve(true);
    if (attrs.is_error) return Promise.resolve(false); // which is said at once
    return new Promise((resolve) => {
        const settle = (read) => {
            clearTimeout(timer);
            messages.off('add', look);
            resolve(read);
        };
        const look = (message) => is(message) && settle(true);
        const timer = setTimeout(settle, READ_TIMEOUT_MS, false);
        messages.on('add', look);
    });
}

/** Removes the copies of a message that were not read, once those before it are there. */
function removeUnread(chat, attrs) {
    const wanted = identity(chat, attrs);
    chat.msg_chain = Promise.resolve(chat.msg_chain ?? chat.messages.fetched).then(() => {
        const unread = chat.messages.filter((message) => isUnread(message.attributes) && identity(chat, message.attributes) === wanted);
        for (const message of unread) message.destroy();
    });
}

/**
 * One-time keys are told apart by numbers, which Converse counts from 0. The library that it
 * encrypts with takes 0 for none: what is encrypted with that key, one in a hundred, nobody
 * can read. So it is neither offered to others nor taken from them.
 * @param {Converse.Private} _converse
 */
// Patch: key-zero
function leaveOutKeyZero({ api, exports }) {
    if (!exports.Device) return; // nothing is encrypted here
    const { sendIQ } = api;
    api.sendIQ = (stanza, ...how) => {
        const element = stanza instanceof Element ? stanza : stanza.tree();
        for (const key of element.querySelectorAll('publish bundle :is(preKeyPublic[preKeyId="0"], pk[id="0"])')) key.remove();
        return sendIQ.call(api, element, ...how);
    };
    exports.Device.prototype.getRandomPreKey = function () {
        const keys = this.get('bundle').prekeys.filter(({ id }) => Number(id) !== 0);
        return keys[Math.floor(Math.random() * keys.length)];
    };
}

const ANSWER_TIMEOUT_MS = 10_000;

/**
 * Others' devices and their keys are asked for once more where no answer comes: that of a stream that was lost never does,
 * and Converse, which asks for the devices once, would let each message wait for it. Of one's own devices it would take no
 * answer for there being none.
 * @param {Converse.Private} _converse
 */
// Patch: keys-asked-twice
function askForKeysTwice(_converse) {
    const { api, exports } = _converse;
    if (!exports.Device) return;
    const { sendIQ } = api;
    api.sendIQ = async (stanza, ...how) => {
        const element = stanza instanceof Element ? stanza : stanza.tree();
        const ask = () => sendIQ.call(api, element, ...how);
        const isOfKeys = element.getAttribute('type') === 'get' && element.querySelector('items:is([node*="axolotl"], [node*="omemo"])');
        if (!isOfKeys || element.getAttribute('to') === _converse.session.get('bare_jid')) return ask(); // a session that ended is another's
        const answer = (await withTimeout(ask(), ANSWER_TIMEOUT_MS)) ?? (await withTimeout(ask(), ANSWER_TIMEOUT_MS));
        if (!answer) throw answer; // as Converse has it of one that took too long
        return answer;
    };
}

/** @param {Converse.Private} _converse */
export function decryptOnce(_converse) {
    leaveOutKeyZero(_converse);
    askForKeysTwice(_converse);
    for (const { prototype } of [_converse.exports.ChatBox, _converse.exports.MUC]) {
        const { queueMessage } = prototype;
        // Patch: read-once
        prototype.queueMessage = async function (attrs) {
            if (isUnread(attrs) && (await wasRead(this, attrs))) return;
            if (attrs?.plaintext) removeUnread(this, attrs);
            return queueMessage.call(this, attrs);
        };
    }
}

/** Resolves when the list of people is there and the browser has nothing else to do. */
const idle = (api) =>
    api.waitUntil('rosterContactsFetched').then(() => new Promise((resolve) => (window.requestIdleCallback ?? ((done) => setTimeout(done, 300)))(resolve, { timeout: 2000 })));

/**
 * Keys are looked for, and a hundred made for a device that is new, once the chat is usable.
 * Encrypted messages wait for that by themselves.
 * @param {Converse.Private} _converse
 */
// Patch: keys-later
export function deferKeyGeneration({ api }) {
    if (!api.omemo) return; // a device that is not one's own keeps no keys
    const { session } = api.omemo;
    const { restore } = session;
    session.restore = () => idle(api).then(() => restore.call(session));
}
