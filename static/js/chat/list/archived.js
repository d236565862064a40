// What an XMPP server that is not the site's own knows of conversations between people: what was
// said last, by its archive (XEP-0313), and what of that was not read, by the markers that one's devices
// share (XEP-0490). Of its own server the site tells all this itself (app/conversations.go).

import { nameOf } from '../people.js';
import { fileIn, nameOfFile } from './entries.js';

/** @typedef {import('./entries.js').Entry} Entry */

const MOST = 100; // messages, of all conversations together; servers may give fewer at once
const TOGETHER = 100; // ms, within which several reasons to ask are one
const OMEMO = ['eu.siacs.conversations.axolotl', 'urn:xmpp:omemo:2'];
const RETRACT = 'urn:xmpp:message-retract:1';
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
    const address = childOf(childOf(message, 'x', OOB), 'url')?.textContent?.trim();
    const file = address && text === address ? nameOfFile(address) : fileIn(text);
    if (file !== undefined) return { text: file, kind: 'file' };
    return text ? { text } : null;
}

/**
 * A message of the archive: whose conversation it belongs to, and what it says there, if anything.
 * @param {Element} stanza
 * @param {string} own address
 * @returns {{jid: string, id: string, line: import('./entries.js').Line | null} | null}
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
    return { jid, id, line: content && { id, at: new Date(at).toISOString(), mine, ...content } };
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
    /** @type {Map<string, Entry>} */
    const found = new Map();
    for (const stanza of stanzas) {
        const said = archivedIn(stanza, own);
        if (!said || said.jid === own) continue;
        const { jid, id, line } = said;
        const read = readUpTo(jid);
        const entry = found.get(jid) ?? { jid, room: false, name: '', unread: 0, read: read ?? '' };
        if (line) {
            found.set(jid, entry);
            entry.last = line;
            entry.unread = line.mine ? 0 : entry.unread + (line.kind === 'deleted' ? 0 : 1);
        }
        if (id === read) entry.unread = 0;
    }
    return found;
}

/**
 * Asks the archive, now and whenever a stream begins or another device has read something.
 * @param {Converse.Private} _converse
 * @param {import('../types.js').ChatConfig} config
 * @param {import('../readMarkers.js').Markers} markers
 * @param {(found: Map<string, Entry>) => void} take
 */
export function listArchived(_converse, config, markers, take) {
    const { api } = _converse;
    const isHere = (jid) => jid.endsWith(`@${config.domain}`);
    let asks = 0;
    let waiting = false;
    const ask = async () => {
        const mine = ++asks;
        const { messages, error } = await api.archive.query({ rsm: { before: '', max: MOST } });
        if (error) return;
        const found = conversationsIn(messages, _converse.session.get('bare_jid'), (jid) => markers.known.get(jid));
        const people = [...found].filter(([jid]) => isHere(jid));
        await Promise.all(people.map(async ([jid, entry]) => { entry.name = await nameOf(_converse, jid); }));
        if (mine === asks) take(new Map(people));
    };
    const load = async () => {
        if (waiting) return;
        waiting = true;
        await Promise.all([markers.asked, new Promise((resolve) => setTimeout(resolve, TOGETHER))]);
        waiting = false;
        await ask().catch((cause) => {
            if (api.connection.connected()) console.warn('The archive did not tell the conversations.', cause);
        });
    };
    api.listen.on('connected', load);
    api.listen.on('reconnected', load);
    document.addEventListener('foyer:read', load);
}
