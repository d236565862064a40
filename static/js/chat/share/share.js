// What somebody shares from another app with the installed site (Web Share Target). The
// service worker keeps it in this browser (sw.js); here they choose with whom, in the list
// of conversations, and it goes into the composer there. Nothing is sent before they send it.
// Fetched when there is something (shared.js).

import { byId, waitFor } from '../../dom.js';
import { conversationAt } from '../conversation.js';
import { make } from '../elements.js';
import { discardShared, SHARED } from '../signin/forget.js';
import { panel } from '../panel.js';

/** @typedef {{text: string, files: {name: string, type: string, at: string}[], left: number, time: number}} Shared */

const MAX_AGE_MS = 60 * 60 * 1000; // ms that it waits for somebody who has to sign in first

/** What waits to be shared. @returns {Promise<Shared | null>} */
async function waiting() {
    const kept = await caches.match('/shared', { cacheName: SHARED });
    /** @type {Shared | undefined} */
    const shared = await kept?.json();
    if (shared && Date.now() - shared.time < MAX_AGE_MS) return shared;
    await discardShared();
    return null;
}

/** The files themselves. @param {Shared} shared */
const filesOf = ({ files }) =>
    Promise.all(files.map(async ({ name, type, at }) => {
        const kept = await caches.match(at, { cacheName: SHARED });
        return new File([(await kept?.blob()) ?? ''], name, { type });
    }));

/** In one line, what it is. @param {Shared} shared */
function describeShared({ text, files, left }) {
    const [first] = files;
    const counted = files.length > 1 ? `${files.length} files` : first ? `“${first.name}”` : '';
    const line = text.split('\n')[0];
    const quoted = line && `“${line.length > 60 ? `${line.slice(0, 60)}…` : line}”`;
    const what = [quoted, counted].filter(Boolean).join(' and ');
    return `Choose whom to share ${what || 'this'} with.${left ? ' The other files are too many or too large.' : ''}`;
}

/** Says above the list what waits; resolves with the conversation that is chosen, or "" if none is to be. */
function choose(config, shared) {
    const cancel = Object.assign(make('button', '', 'Cancel'), { type: 'button' });
    const bar = Object.assign(make('div', 'share-bar', make('p', '', describeShared(shared)), cancel), { role: 'status' });
    byId('conversations').prepend(bar);
    return new Promise((resolve) => {
        const done = (jid) => {
            document.removeEventListener('foyer:conversation', chosen);
            bar.remove();
            resolve(jid);
        };
        const chosen = () => {
            const jid = conversationAt(config, location.pathname);
            if (jid) done(jid);
        };
        document.addEventListener('foyer:conversation', chosen);
        cancel.addEventListener('click', () => done(''));
    });
}

/** Where one writes in a conversation, once it is there. @returns {Promise<HTMLTextAreaElement | null | undefined>} */
function composerOf(jid) {
    const within = `#chat :is(converse-chat, converse-muc)[jid="${CSS.escape(jid)}"] textarea.chat-textarea`;
    return waitFor(() => /** @type {HTMLTextAreaElement | null} */ (document.querySelector(within)), 1800);
}

/** Puts it into a composer. */
async function give(_converse, jid, textarea, text, files) {
    if (text) {
        textarea.setRangeText(text, textarea.selectionStart, textarea.selectionEnd, 'end');
        textarea.dispatchEvent(new Event('input', { bubbles: true }));
    }
    textarea.focus();
    const box = _converse.state.chatboxes.get(jid);
    if (files.length) await box?.sendFiles(files); // they are shown, and go when Send is pressed (composer/queue.js)
}

/**
 * Asks with whom to share what waits, and puts it there.
 * @param {Converse.Private} _converse
 * @param {import('../types.js').ChatConfig} config
 */
export async function share(_converse, config) {
    const shared = await waiting();
    if (!shared) return;
    const jid = await choose(config, shared);
    const textarea = jid ? await composerOf(jid) : null;
    if (jid && !textarea) return panel.warn('share', 'That could not be shared there. Reload the page to choose again.'); // it waits
    if ((await waiting())?.time !== shared.time) return share(_converse, config); // something else was shared meanwhile
    const files = jid ? await filesOf(shared) : [];
    await discardShared();
    if (textarea) await give(_converse, jid, textarea, shared.text, files);
}
