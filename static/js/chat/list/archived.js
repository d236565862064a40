// What an XMPP server that is not the site's own knows of conversations between people: what was
// said last, by its archive (XEP-0313), and what of that was not read, by the markers that one's devices
// share (XEP-0490). Of its own server the site tells all this itself (app/conversations.go).

import { withTimeout } from '../withTimeout.js';
import { nameOf } from '../people/people.js';
import { addressIn, nameOfFile } from './entries.js';

/** @typedef {import('./entries.js').Entry} Entry */

const MAX_MESSAGES = 100; // messages, of all conversations together; servers may give fewer at once
const MARKERS_TIMEOUT_MS = 10_000; // ms until it does without what was read
const BATCH_WINDOW_MS = 100; // within which several reasons to ask are one
const OMEMO = ['eu.siacs.conversations.axolotl', 'urn:xmpp:omemo:2'];
const RETRACT = 'urn:xmpp:message-retract:1';
const REPLACE = 'urn:xmpp:message-correct:0';
const FALLBACK = 'urn:xmpp:fallback:0';
const OOB = 'jabber:x:oob';
const REPLY = 'urn:xmpp:reply:0';

const childOf = (element, name, space) => [...(element?.children ?? [])].find((child) => child.localName === name && (!space || child.namespaceURI === space));

/** What a message says, without the words of another's that it answers (XEP-0461 §3.1). */
function textOf(message) {
    const characters = [...(childOf(message, 'body')?.textContent ?? '')]; // XEP-0426: code points
    const quoted = [...message.children].find((child) => child.namespaceURI === FALLBACK && child.getAttribute('for') === REPLY);
    const range = quoted && childOf(quoted, 'body');
    if (range) characters.splice(Number(range.getAttribute('start') ?? 0), Number(range.getAttribute('end') ?? characters.length) - Number(range.getAttribute('start') ?? 0));
    return characters.join('').replaceAll(/\s+/g, ' ').trim();
}

/** The kind of a message, and what it says; nothing for what nobody says, such as a receipt. */
function contentOf(message) {
    if (childOf(message, 'retract', RETRACT)) return { text: '', kind: 'deleted' };
    if (OMEMO.some((space) => childOf(message, 'encrypted', space))) return { text: '', kind: 'encrypted' };
    const text = textOf(message);
    const address = addressIn(text, childOf(childOf(message, 'x', OOB), 'url')?.textContent?.trim());
    if (address) return { text: nameOfFile(address), kind: 'file' };
    return text ? { text } : null;
}

/** The message that another one edits or deletes (XEP-0308, XEP-0424), by the id that its author gave it; undefined for any other. */
const changedBy = (message) => (childOf(message, 'replace', REPLACE) ?? childOf(message, 'retract', RETRACT))?.getAttribute('id') ?? undefined;

/**
 * A message of the archive: whose conversation it belongs to, and what it says there, if anything.
 * @typedef {{jid: string, id: string, name: string, changes: string | undefined, line: import('./entries.js').Line | null}} ArchivedMessage
 * name: its author's id for it, with which of the two its author is; changes: that of the message which it edits or deletes
 * @param {Element} stanza
 * @param {string} own address
 * @returns {ArchivedMessage | null}
 */
function archivedIn(stanza, own) {
    const { getBareJidFromJid } = window.converse.env.Strophe;
    const result = childOf(stanza, 'result');
    const forwarded = childOf(result, 'forwarded');
    const message = childOf(forwarded, 'message');
    const at = childOf(forwarded, 'delay')?.getAttribute('stamp');
    if (!message || !at || !['chat', 'normal', null].includes(message.getAttribute('type'))) return null;
    const from = getBareJidFromJid(message.getAttribute('from') ?? own);
    const mine = from === own;
    const jid = mine ? getBareJidFromJid(message.getAttribute('to') ?? own) : from;
    const id = result?.getAttribute('id') ?? '';
    const content = contentOf(message);
    const named = (name) => `${mine} ${name}`;
    const changes = changedBy(message);
    return {
        jid, id, name: named(message.getAttribute('id') || id), changes: changes && named(changes),
        line: content && { id, at: new Date(at).toISOString(), mine, ...content },
    };
}

/** What was said last in a conversation, and what of it is unread. */
class Conversation {
    /** @type {import('./entries.js').Line | undefined} */
    last;
    unread = /** @type {Set<string>} */ (new Set());
    #name = ''; // of the message that was said last

    /** @param {ArchivedMessage} said */
    take({ name, changes, line }) {
        if (!line) return;
        if (changes === undefined) {
            [this.last, this.#name] = [line, name];
            if (line.mine) this.unread.clear();
            else this.unread.add(name);
            return;
        }
        if (line.kind === 'deleted') this.unread.delete(changes);
        if (this.last && changes === this.#name) this.last = { ...line, at: this.last.at };
    }
}

/**
 * The conversations of the messages, the oldest of which comes first. What comes after the message that was
 * read, and after one's own last, is not read.
 * @param {Element[]} stanzas
 * @param {string} own address
 * @param {(jid: string) => string | undefined} readUpTo
 * @returns {Map<string, Entry>}
 */
export function conversationsIn(stanzas, own, readUpTo) {
    /** @type {Map<string, Conversation>} */
    const found = new Map();
    for (const stanza of stanzas) {
        const said = archivedIn(stanza, own);
        if (!said || said.jid === own) continue;
        const conversation = found.get(said.jid) ?? new Conversation();
        found.set(said.jid, conversation);
        conversation.take(said);
        if (said.id === readUpTo(said.jid)) conversation.unread.clear();
    }
    const held = [...found].filter(([, { last }]) => last);
    return new Map(held.map(([jid, { last, unread }]) => [jid, { jid, room: false, name: '', last, unread: unread.size, read: readUpTo(jid) ?? '' }]));
}

/**
 * Asks the archive, now and whenever a stream begins or another device has read something.
 * @param {Converse.Private} _converse
 * @param {import('../types.js').ChatConfig} config
 * @param {import('../unread/readMarkers.js').Markers} markers
 * @param {(found: Map<string, Entry>) => void} take
 */
export function listArchived(_converse, config, markers, take) {
    const { api } = _converse;
    const isHere = (jid) => jid.endsWith(`@${config.domain}`);
    let asks = 0;
    let waiting = false;
    const ask = async () => {
        const mine = ++asks;
        const { messages, error } = await api.archive.query({ rsm: { before: '', max: MAX_MESSAGES } });
        if (error) return;
        const found = conversationsIn(messages, _converse.session.get('bare_jid'), (jid) => markers.known.get(jid));
        const people = [...found].filter(([jid]) => isHere(jid));
        await Promise.all(people.map(async ([jid, entry]) => { entry.name = await nameOf(_converse, jid); }));
        if (mine === asks) take(new Map(people));
    };
    const load = async () => {
        if (waiting) return;
        waiting = true;
        await Promise.all([withTimeout(markers.asked, MARKERS_TIMEOUT_MS), new Promise((resolve) => setTimeout(resolve, BATCH_WINDOW_MS))]);
        waiting = false;
        await ask().catch((cause) => {
            if (api.connection.connected()) console.warn('The archive did not tell the conversations.', cause);
        });
    };
    api.listen.on('connected', load);
    api.listen.on('reconnected', load);
    for (const event of ['foyer:read', 'foyer:deleted']) document.addEventListener(event, load);
}
