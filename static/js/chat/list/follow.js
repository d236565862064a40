// The rooms one belongs to are not entered until they are opened: the server tells what is
// said there (XEP-0437, and in xmppd/muc/follow.go what it tells besides), and the site what was
// unread before (app/conversations.go). docs/decisions/0014 says why.

import { isFollowed } from '../room/lazyJoin.js';
import { levels } from '../unread/levels.js';
import { meet, mentions } from '../unread/mentions.js';
import { NS_SAID, parseSummary } from './messageSummary.js';

/** @typedef {import('./entries.js').Entry} Entry */

const RAI = 'urn:xmpp:rai:0';
const EVENT = 'http://jabber.org/protocol/pubsub#event';
const BOOKMARKS = ['urn:xmpp:bookmarks:1', 'storage:bookmarks'];

const LOAD_DELAY_MS = 300; // so that many changes at once are asked for once

const unreadIn = (entry, box) => (box ? box.get('num_unread_general') : entry.unread) ?? 0;
const mentionsIn = (entry, box) => (box ? box.get('num_unread') : entry.mentioned) ?? 0;

/** Whether a room that is open has said something that the site had not counted: the ids of its archive are in the order of time. */
function cameSince(room, last) {
    const latest = room.messages?.models.findLast((message) => message.get('body') && message.get('time'));
    if (!latest) return false;
    const id = latest.get(`stanza_id ${room.get('jid')}`);
    return id && last.id ? id > last.id : Date.parse(latest.get('time')) > Date.parse(last.at) + 1000;
}

export class FollowedRooms {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #loading;
    heard = 0; // how often something in a room that the list has was told of, and
    #heardIn = /** @type {Map<string, number>} */ (new Map()); // at which of these times last, by room
    #begun = false; // a stream began, and the server has not told of one's rooms yet

    /**
     * @param {Converse.Private} _converse
     * @param {import('../types.js').ChatConfig} config
     * @param {import('../unread/readMarkers.js').Markers} markers
     * @param {{known: () => Map<string, Entry>, load: () => void, draw: () => void}} list
     */
    constructor(_converse, config, markers, list) {
        this._converse = _converse;
        this.config = config;
        this.list = list;
        this.markers = markers;
        const { api } = _converse;
        api.listen.on('connected', () => this.#begin());
        api.listen.on('reconnected', () => this.#begin());
        api.listen.on('chatBoxesInitialized', () => _converse.state.chatboxes.on('add remove', () => this.count()));
        document.addEventListener('foyer:levels', () => this.count());
        document.addEventListener('foyer:read', ({ detail: jid }) => jid.endsWith(`@${config.roomsDomain}`) && this.loadSoon());
        document.addEventListener('foyer:unread-restored', () => this.settle());
        document.addEventListener('foyer:page', () => this.count());
    }

    #begin() {
        const connection = this._converse.api.connection.get();
        /** @param {(message: Element) => void} handle */
        const always = (handle) => (message) => {
            handle(message);
            return true;
        };
        connection.addHandler(always((message) => this.#hear(message)), RAI, 'message');
        connection.addHandler(always((message) => this.#event(message)), EVENT, 'message');
        this.#begun = true;
        this.#follow();
    }

    /** Asks to be told of one's rooms, as they are now (XEP-0437 §4.1). */
    #follow() {
        const { stx } = window.converse.env;
        if (!this._converse.api.connection.connected()) return;
        this._converse.api.send(stx`<presence to="${this.config.roomsDomain}" xmlns="jabber:client"><rai xmlns="${RAI}"><said xmlns="${NS_SAID}"/></rai></presence>`);
    }

    /** Something was said in a room, or there is something in rooms that was not read. */
    #hear(message) {
        if (message.getAttribute('from') !== this.config.roomsDomain) return;
        const rooms = [...message.getElementsByTagNameNS(RAI, 'activity')].map((activity) => activity.textContent ?? '');
        const [said] = message.getElementsByTagNameNS(NS_SAID, 'said');
        if (said?.getAttribute('change') === 'room') return this.loadSoon(); // which rooms there are, or tell what is said
        const entry = this.list.known().get(rooms[0]);
        const line = said && parseSummary(said);
        if (line && entry) {
            this.#heardIn.set(entry.jid, ++this.heard);
            (line.change ? this.#changed : this.#said).call(this, entry, line);
        } else if (said || this.#begun || rooms.some((jid) => !this.#isCounted(jid))) this.loadSoon(); // the site was asked before, and more may be unread by now
        if (!said) this.#begun = false;
    }

    /** Whether it is known that a room has something unread. */
    #isCounted(jid) {
        const box = this._converse.state.chatboxes?.get(jid);
        return Boolean(this.list.known().get(jid)?.unread) || Boolean(box && (box.get('num_unread_general') || box.isHidden?.() === false));
    }

    /** @param {Entry} entry @param {ReturnType<typeof parseSummary>} line */
    #said(entry, line) {
        if (entry.last?.id && line.id && line.id <= entry.last.id) return; // told before
        entry.last = line;
        const box = this._converse.state.chatboxes?.get(entry.jid);
        if (box && !isFollowed(box)) return this.loadSoon(); // it is being entered
        const names = [...this.#names(), box?.get('nick')].filter(Boolean);
        const mentioned = !line.mine && (meet([line.answers, ...line.named], names) || (!line.kind && mentions(line.text, names)));
        this.#count(entry, box, line.mine ? 0 : unreadIn(entry, box) + 1, line.mine ? 0 : mentionsIn(entry, box) + Number(mentioned));
        if (!line.mine) document.dispatchEvent(new CustomEvent('foyer:room-said', { detail: { jid: entry.jid, name: entry.name, mentioned, line } }));
    }

    /** A message was edited, the latest, or deleted: another's that is deleted is not unread, and of one before the latest the site knows whether it was. @param {Entry} entry @param {import('./entries.js').Line & {change: string}} line */
    #changed(entry, line) {
        if (entry.last?.id !== line.id) {
            if (line.change === 'deleted' && unreadIn(entry, this._converse.state.chatboxes?.get(entry.jid))) this.loadSoon();
            return;
        }
        entry.last = line;
        const box = this._converse.state.chatboxes?.get(entry.jid);
        if (box && !isFollowed(box)) return this.list.draw();
        const unread = unreadIn(entry, box) - Number(line.change === 'deleted' && !line.mine);
        this.#count(entry, box, Math.max(0, unread), Math.max(0, Math.min(unread, mentionsIn(entry, box))));
    }

    /** Notes how much is unread in a room that is followed: in what Converse has of it, if it was opened here before. */
    #count(entry, box, unread, mentioned) {
        Object.assign(entry, { unread, mentioned });
        box?.save({ num_unread_general: unread, num_unread: mentioned });
        this.count();
        this.list.draw();
    }

    /** Another device has entered a room or left one. */
    #event(message) {
        const items = message.getElementsByTagNameNS(EVENT, 'items')[0];
        const node = items?.getAttribute('node') ?? '';
        const own = this._converse.session.get('bare_jid');
        if ((message.getAttribute('from') ?? own) !== own) return;
        if (!BOOKMARKS.includes(node)) return;
        document.dispatchEvent(new CustomEvent('foyer:bookmarks'));
        this.#follow();
        this.loadSoon();
    }

    /** Keeps of rooms in which something was heard since what was known when the site was asked. @param {Map<string, Entry>} conversations its answer @param {number} since */
    keepHeard(conversations, since) {
        for (const [jid, entry] of conversations) {
            const { last, unread, mentioned } = ((this.#heardIn.get(jid) ?? 0) > since && this.list.known().get(jid)) || entry;
            Object.assign(entry, { last, unread, mentioned });
        }
    }

    /** Asks the site again, once for all reasons until then. */
    loadSoon() {
        this.#loading ??= setTimeout(() => {
            this.#loading = undefined;
            this.list.load();
        }, LOAD_DELAY_MS);
    }

    /** What the site has counted is right where nothing came since; a room in sight is read. */
    settle() {
        for (const entry of this.list.known().values()) {
            if (!entry.room) continue;
            if (entry.last?.id && this.markers.wasRead(entry.jid, entry.last.id)) Object.assign(entry, { unread: 0, mentioned: 0 });
            const box = this._converse.state.chatboxes?.get(entry.jid);
            if (box?.isHidden && box.isHidden()) this.#settleBox(box, entry);
        }
        this.count();
    }

    #names() {
        return [this.config.name, this.config.user];
    }

    #settleBox(box, entry) {
        if (!entry.last) return; // nothing is kept of what is said there
        const came = cameSince(box, entry.last);
        const nick = box.get('nick');
        const other = nick && !meet([nick], this.#names()); // a name of which the site does not know what is to it
        const most = (name, told, isKept) => Math.max(told ?? 0, isKept ? (box.get(name) ?? 0) : 0);
        const unread = most('num_unread_general', entry.unread, came);
        const counts = { num_unread_general: unread, num_unread: Math.min(unread, most('num_unread', entry.mentioned, came || other)) };
        if (Object.keys(counts).some((name) => counts[name] !== box.get(name))) box.save(counts);
    }

    /** Tells the page how much is unread in rooms that are not open (unread.js). */
    count() {
        const { chatboxes } = this._converse.state;
        const unopened = [...this.list.known().values()].filter(({ jid, room }) => room && !chatboxes?.get(jid) && levels.of(jid, true) !== 'none');
        const detail = unopened.reduce((sum, { unread }) => sum + (unread ?? 0), 0);
        document.dispatchEvent(new CustomEvent('foyer:unopened', { detail }));
    }
}
