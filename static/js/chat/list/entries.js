// What the list of conversations holds: one entry for each person and each room, put
// together from what the site told when the page was loaded (app/conversations.go) and
// from what Converse knows, which is newer wherever it knows anything.

import { drafts } from '../composer/drafts.js';
import { unstyled } from '../composer/styling.js';
import { serverUnread } from '../unread/serverUnread.js';
import { isFollowed } from '../room/lazyJoin.js';
import { levels } from '../unread/levels.js';
import { isSaid } from '../history/newMessages.js';
import { isAround, knownName, pictureOf, SOMEBODY } from '../people/people.js';
import { isAction } from './row.js';
import { isConversation, isDeleted, isRoom, unreadOf } from '../boxes.js';

/**
 * @typedef {object} Line what was said last
 * @property {string} [id] in the archive
 * @property {string} at ISO 8601
 * @property {string} text
 * @property {string} [by] who said it, in rooms; everywhere, of what they do (“/me waves”)
 * @property {boolean} [mine]
 * @property {string} [kind] "file", "encrypted", "deleted"; else it is text
 *
 * @typedef {object} Entry
 * @property {string} jid
 * @property {string} name
 * @property {string} [picture]
 * @property {boolean} room
 * @property {boolean} [private]
 * @property {boolean} [canFollow] a room of which one is told what is said without entering
 * @property {boolean} [around]
 * @property {Line} [last]
 * @property {string} [draft]
 * @property {[string, string]} [unsent] a file that is not sent, or what failed: how it stands with it, and its name
 * @property {string} [typing]
 * @property {number} unread
 * @property {string} [read] id of the message up to which it was read
 * @property {number} [mentioned] how many of these are to the person, in rooms
 * @property {boolean} [pinned]
 * @property {boolean} [muted]
 * @property {boolean} [open]
 */

/** How many letters of a message's body stand before what it says: what it answers (XEP-0461 §3.1). */
export function quoteBefore(message) {
    const { is_encrypted: encrypted, plaintext, body } = message.attributes;
    const said = message.getMessageText();
    return said ? ((encrypted && plaintext) || body || said).length - said.length : 0;
}

/** What its author typed: without what it answers, with an @ before who is named. */
export function typedIn(message) {
    const quote = quoteBefore(message);
    const named = (message.get('references') ?? []).filter(({ type }) => type === 'mention').map(({ begin }) => begin - quote).sort((a, b) => b - a);
    const said = message.getMessageText() || message.get('message') || '';
    return named.reduce((all, at) => (at < 0 || at >= all.length || all[at] === '@' || all[at - 1] === '@' ? all : `${all.slice(0, at)}@${all.slice(at)}`), said);
}

/** The same as plain text. */
export function saidBy(message) {
    const text = typedIn(message);
    return message.get('is_unstyled') ? text : unstyled(text);
}

/** What a message of Converse's says; nothing for what is no message of somebody's. */
export function lineOf(box, message) {
    const { time, sender, is_encrypted: encrypted, nick } = message.attributes;
    if (!isSaid(message)) return null;
    const text = saidBy(message);
    const file = addressIn(message.getMessageText(), message.get('oob_url')) || (message.get('file') ? message.file?.name ?? 'file' : '');
    const deleted = isDeleted(message);
    if (!text && !file && !deleted) return null;
    const line = { at: time, text: text.replaceAll(/\s+/g, ' ').trim(), mine: sender === 'me', by: isRoom(box) ? nick : undefined };
    if (deleted) return { ...line, text: '', kind: 'deleted' };
    if (file) return { ...line, text: nameOfFile(file), kind: 'file' };
    if (encrypted && !message.get('plaintext')) return { ...line, text: '', kind: 'encrypted' };
    return line;
}

/** The name of a file, by its address. @param {string} address */
export function nameOfFile(address) {
    if (!URL.canParse(address)) return address;
    const last = new URL(address).pathname.split('/').pop() ?? '';
    try {
        return decodeURIComponent(last);
    } catch {
        return last;
    }
}

/**
 * The address of the file that a message is; undefined for one that says something. Apps send it as the text and once
 * more beside it (XEP-0066 §3), or as the text alone: then it is one in an upload folder (XEP-0363).
 * @param {string | null} [text] without what it answers
 * @param {string} [beside]
 * @returns {string | undefined}
 */
export function addressIn(text, beside) {
    const said = text?.trim() ?? '';
    return beside && (!said || said === beside) ? beside : isUploaded(said) ? said : undefined;
}

/** Folder by folder: one expression for all of them may take seconds with what somebody has made for it. @param {string} text */
function isUploaded(text) {
    const [, path] = /^https?:\/\/[^\s/]+\/(\S+)$/u.exec(text) ?? [];
    const folders = path?.split('/') ?? [];
    return Boolean(folders.pop()) && folders.some((folder) => folder.startsWith('upload'));
}

/** What was said last in a box, as far as it is in the browser. */
function lastLine(box) {
    const { models = [] } = box.messages ?? {};
    for (let i = models.length - 1; i >= 0; i--) {
        const line = lineOf(box, models[i]);
        if (line) return line;
    }
    return undefined;
}

const typing = (box) => (!isRoom(box) && box.notifications?.get('chat_state') === 'composing' ? 'typing…' : undefined);

/** The newer of two lines, the second of two of one time: the site says of a message what the browser knows, and writes its time shorter. */
const newer = (a, b) => (!a || (b && Date.parse(b.at) >= Date.parse(a.at)) ? b : a);

/** What was said last, with its author where that is what they do. @param {Converse.Private} _converse @param {Entry} entry */
function lastOf(_converse, { last, name }) {
    if (!last || last.by || !isAction(last)) return last;
    return { ...last, by: last.mine ? _converse.api.settings.get('nickname') : name };
}

/** @returns {Entry} */
function withBox(entry, box) {
    return {
        ...entry,
        name: (isRoom(box) && entry?.name) || knownName(box) || entry?.name || SOMEBODY,
        last: entry?.last && isFollowed(box) ? entry.last : newer(entry?.last, lastLine(box)),
        typing: typing(box),
        unread: unreadOf(box),
        mentioned: isRoom(box) ? box.get('num_unread') ?? 0 : 0,
        open: !box.get('hidden') && !box.get('closed'),
        picture: entry?.picture ?? pictureOf(box.contact?.vcard ?? box.vcard),
    };
}

/** Pinned ones first, then the latest; those without a word at the end, by name. */
function byTime(a, b) {
    if (Boolean(a.pinned) !== Boolean(b.pinned)) return a.pinned ? -1 : 1;
    if (a.last && b.last) return a.last.at < b.last.at ? 1 : a.last.at > b.last.at ? -1 : 0;
    if (a.last || b.last) return a.last ? -1 : 1;
    return a.name.localeCompare(b.name);
}

/**
 * The entries, in their order.
 * @param {Converse.Private} _converse
 * @param {Map<string, Entry>} reported by the site
 * @returns {Entry[]}
 */
export function entries(_converse, reported) {
    const { chatboxes, roster } = _converse.state;
    /** @type {Map<string, Entry>} */
    const found = new Map([...reported].map(([jid, entry]) => [jid, { ...entry, unread: entry.room ? entry.unread ?? 0 : serverUnread.of(jid).unread }]));
    /** @returns {Entry} */
    const known = (jid, room) => found.get(jid) ?? { jid, room, unread: 0, name: '' };
    for (const contact of /** @type {any[]} */ (roster?.models ?? [])) {
        const jid = contact.get('jid');
        if (contact.get('requesting')) continue; // asks to be one
        const entry = known(jid, false);
        found.set(jid, {
            ...entry,
            name: knownName(contact) || entry.name || SOMEBODY,
            picture: entry.picture ?? pictureOf(contact.vcard),
            around: isAround(contact.presence),
        });
    }
    for (const box of chatboxes?.models ?? []) {
        if (!isConversation(box)) continue;
        const jid = box.get('jid');
        found.set(jid, withBox(known(jid, isRoom(box)), box));
    }
    const chosen = (entry) => ({ ...entry, last: lastOf(_converse, entry), draft: drafts.of(entry.jid).replaceAll(/\s+/g, ' ').trim() || undefined, pinned: levels.pinned(entry.jid), muted: levels.of(entry.jid, entry.room) === 'none' });
    return [...found.values()].map(chosen).sort(byTime);
}
