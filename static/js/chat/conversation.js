// A conversation and its address: /chat/with/bob, /chat/room/lobby. On the page of the
// chat the address is that of the conversation that is open, so that Back and Forward
// go through them and links to them can be sent.

import { around, byId } from '../dom.js';
import { pushPath } from './dialogs/overlayHistory.js';
import { panel } from './panel.js';
import { knownName } from './people/people.js';
import { jumpToMessage, markScrolledUp } from './history/jumpToMessage.js';
import { keepInTab } from './connection/tabStore.js';

const OPEN = 'foyer-conversation'; // who has one open in this tab, which, and since when
const RECENT_MS = 60_000; // ms in which the browser's store has it as well

const onChatPage = () => document.body.dataset.page === 'chat';

/**
 * The address of a conversation.
 * @param {import('./types.js').ChatConfig} config
 * @param {string} jid
 */
export function addressOf(config, jid) {
    const at = jid.lastIndexOf('@');
    const name = encodeURIComponent(jid.slice(0, at));
    return jid.slice(at + 1) === config.roomsDomain ? `/chat/room/${name}` : `/chat/with/${name}`;
}

/** The conversation that an address of the site means. */
export function conversationAt(config, path) {
    const [, kind, name] = /^\/chat\/(with|room)\/([^/]+)$/.exec(path) ?? [];
    if (!kind) return null;
    return `${decodeURIComponent(name)}@${kind === 'room' ? config.roomsDomain : config.domain}`;
}

/**
 * Opens a conversation in the chat, at a message if an id in the archive is given, and
 * makes its address that of the page.
 */
export async function open(_converse, config, jid, id = '') {
    if (!jid) return;
    panel.open(jid);
    setAddress(addressOf(config, jid) + (id && `?at=${id}`));
    if (id) markScrolledUp(_converse.state.chatboxes.get(jid));
    await show(_converse, config, jid);
    if (id) await jumpToMessage(_converse, jid, id);
}

async function show(_converse, config, jid) {
    const { api } = _converse;
    if (jid.endsWith(`@${config.roomsDomain}`)) await api.rooms.open(jid, {}, true);
    else await api.chats.open(jid, {}, true);
}

/** Names the open conversation in the page's title, before that of the site. */
function nameInTitle(_converse, config) {
    if (!onChatPage()) return;
    const jid = conversationAt(config, location.pathname);
    const name = jid && knownName(_converse.state.chatboxes?.get(jid));
    const [, count, , site] = /^(\(\d+\) )?(?:(.*) · )?(.*)$/.exec(document.title) ?? [];
    document.title = `${count ?? ''}${name || 'Chat'} · ${site}`;
}

const NONE = ' '; // no conversation's address

/** Which conversation was asked for last: one that takes long to open is not shown in the place of another that was chosen since. */
let wanted = '';
/** Those that are being opened, each as often as it was asked for. @type {string[]} */
const opening = [];

/**
 * Opens no other conversation in the place of one that is closed (Converse takes the first that it has, and that is read then),
 * nor one that was asked for before another.
 * @param {Converse.Private} _converse
 */
export function preventAutoOpen({ api, exports }) {
    for (const opener of [api.chats, api.rooms]) {
        const { open } = opener;
        opener.open = (jids, attrs, force) => {
            const opened = open.call(opener, jids, attrs, force);
            if (!force || typeof jids !== 'string') return opened;
            const jid = (wanted = jids.toLowerCase());
            opening.push(jid);
            return opened.finally(() => opening.splice(opening.indexOf(jid), 1));
        };
    }
    for (const { prototype } of [exports.ChatBox, exports.MUC]) {
        const { maybeShow } = prototype;
        // Patch: asked-for
        prototype.maybeShow = function (force) {
            const isAskedFor = force ? wanted === this.get('jid') || !opening.includes(this.get('jid')) : !this.get('hidden');
            return isAskedFor ? maybeShow.call(this, force) : this;
        };
    }
}

const isOpen = (box) => ['chatbox', 'chatroom'].includes(box.get('type')) && !box.get('hidden') && !box.get('closed');

/**
 * What is open on a page is open on the next one, however soon that comes: Converse keeps it a little later.
 * @param {Converse.Private} _converse
 * @param {import('./types.js').ChatConfig} config
 * @returns {() => Promise<void>} opens it
 */
function keepOpen(_converse, config) {
    const { api } = _converse;
    const [whose, kept, at] = sessionStorage.getItem(OPEN)?.split(' ') ?? [];
    const isMine = whose === config.user && kept && Date.now() - Number(at) < RECENT_MS; // it may have been left since, or be gone
    const shown = () => _converse.state.chatboxes.models.find(isOpen)?.get('jid') ?? '';
    const note = () => keepInTab(OPEN, `${config.user} ${shown()} ${Date.now()}`);
    let begun = false;
    /** @type {string | undefined} */
    let before; // what the browser's store had
    api.listen.on('chatBoxesInitialized', () => {
        // A page that is left while it begins says nothing but what somebody chose there.
        _converse.state.chatboxes.on('add remove change:hidden change:closed', () => (begun || (before !== undefined && shown() !== before)) && note());
    });
    const fetched = api.waitUntil('chatBoxesFetched').then(() => (before = shown()));
    return async () => {
        await fetched;
        try {
            if (!onChatPage() && isMine && kept !== before && shown() === before) await show(_converse, config, kept);
        } finally {
            begun = true;
        }
    };
}

/** A link to the site itself opens here: Converse has each one open a tab of its own, with another chat in it. */
function followLinks(_converse, config) {
    // Patch: links-here
    document.addEventListener('click', (event) => {
        const link = around(event, '#chat a[target]');
        if (!(link instanceof HTMLAnchorElement) || link.origin !== location.origin || link.pathname.startsWith('/upload/')) return;
        link.target = '_self'; // so that Turbo goes there
        const box = _converse.state.chatboxes?.models.find((each) => addressOf(config, each.get('jid') ?? '') === link.pathname);
        if (!box || event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        open(_converse, config, box.get('jid'), new URLSearchParams(link.search).get('at') ?? '');
    });
}

/** Opens what the page's address means: when the chat is ready, and when the page changes. */
export function openedByAddress(_converse, config) {
    const { api } = _converse;
    let ready = false;
    let shown = ''; // the address whose message was shown
    // Its shapes stand there until then (list.css).
    const arrive = () => ready && byId('chat').removeAttribute('data-going');
    /** The message that the address leads to, unless that was shown. */
    const leadsTo = () => (shown === location.href ? null : new URLSearchParams(location.search).get('at'));
    const lead = (box) => void (leadsTo() && onChatPage() && box?.get('jid') === conversationAt(config, location.pathname) && markScrolledUp(box));
    api.listen.on('chatBoxInitialized', lead);
    api.listen.on('chatRoomInitialized', lead);
    const follow = async () => {
        const jid = ready && onChatPage() ? conversationAt(config, location.pathname) : null;
        if (!jid) return arrive();
        const box = _converse.state.chatboxes?.get(jid);
        const id = leadsTo();
        lead(box);
        shown = location.href;
        if (!box || box.get('hidden') || box.get('closed')) {
            panel.open(jid);
            await show(_converse, config, jid).finally(arrive);
        } else arrive();
        if (id) await jumpToMessage(_converse, jid, id);
    };
    const openKept = keepOpen(_converse, config);
    const becomeReady = () => {
        if (!ready) openKept().catch((cause) => console.warn('What was open did not open again.', cause));
        ready = true;
        follow();
    };
    api.listen.on('rosterContactsFetched', becomeReady);
    api.listen.on('connected', becomeReady);
    document.addEventListener('foyer:page', follow);
    const nameIt = () => nameInTitle(_converse, config);
    document.addEventListener('foyer:page', nameIt);
    document.addEventListener('foyer:conversation', nameIt);
    api.listen.on('chatBoxesInitialized', () => _converse.state.chatboxes.on('add change:hidden change:name change:nickname vcard:add vcard:change', nameIt));
    api.listen.on('rosterContactsFetched', () => setTimeout(nameIt));
    // Whoever was blocked, or a room that was left, is not to open again with the next stream.
    api.listen.on('chatBoxClosed', (box) => onChatPage() && conversationAt(config, location.pathname) === box.get('jid') && setAddress('/chat'));
    followLinks(_converse, config);
    // On a phone there is a way back to the list.
    document.addEventListener('click', (event) => {
        if (!around(event, 'converse-controlbox-navback')) return;
        wanted = NONE;
        setAddress('/chat');
    });
    // So is the browser's own, from the first conversation that was opened from the list.
    document.addEventListener('foyer:back', () => {
        if (location.pathname !== '/chat') return;
        wanted = NONE;
        _converse.state.chatboxes?.models.forEach((box) => box.get('hidden') || box.save({ hidden: true }));
    });
}

/** Makes an address of the chat that of the page. */
function setAddress(path) {
    if (!onChatPage() || location.pathname + location.search === path) return;
    pushPath(path);
    document.dispatchEvent(new CustomEvent('foyer:conversation'));
}
