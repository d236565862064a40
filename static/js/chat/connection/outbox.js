// What was written and is not known to have arrived. The server answers in order,
// so its answer to a ping says that it has everything that was sent before. Until
// then a message is marked, if that takes long; and when a stream is lost it is
// sent again, marked as delayed. It is kept in the browser: the next page of the tab
// sends it, or once the tab is gone whichever tab of this person comes first.
// The server knows by their ids which of them it has: by the archive, and what is in
// none until it starts again (xmppd/archive/recent_ids.go). Where another server does not
// know, apps do, by the same ids (XEP-0359 §3.2): Converse shows it once, on both sides.

import { answers } from './connectivity.js';
import { enter } from '../room/lazyJoin.js';
import { wasRemoved } from '../room/rejoin.js';
import { outboxKey } from '../signin/forget.js';
import { siteTime } from '../siteTime.js';
import { tabName, whenGone } from './tabs.js';

// After how long a message is marked that has not arrived.
const UNSENT_MARK_DELAY_MS = 2000;

// How long the server may take to answer.
const ANSWER_TIMEOUT_MS = 6000;

// How many a tab keeps for later pages.
const MAX_ENTRIES = 200;

const DELAY = 'urn:xmpp:delay';

/** Whether a stanza is a message that says something, or takes it back, or a reaction; what is encrypted may have no body. */
const says = (stanza) => stanza.nodeName === 'message' && Boolean(stanza.querySelector('body, reactions, encrypted ~ store'));

/** A message under way. */
class Entry {
    /** @type {any} the message as it is shown, once it is */
    message = null;
    isMarked = false;

    /**
     * @param {{raw: string, room: string|null, at: string, id: string|null, about?: string}} written
     * @param {boolean} sent on the present stream
     */
    constructor(written, sent) {
        this.written = written;
        this.sent = sent;
    }

    /** @param {Element} stanza */
    static of(stanza, sent) {
        const to = stanza.getAttribute('to');
        const written = {
            raw: window.converse.env.Strophe.serialize(stanza), // whose elements have their namespaces as attributes alone
            room: stanza.getAttribute('type') === 'groupchat' ? to : null,
            at: new Date(siteTime.now()).toISOString(),
            id: stanza.getAttribute('id'),
        };
        const reaction = stanza.querySelector('reactions');
        return new Entry(reaction ? { ...written, about: `${to} ${reaction.id}` } : written, sent);
    }

    /** Whether it is of a message: what it says, an edit of it, or that it is deleted. */
    isOf(message) {
        return ['msgid', 'origin_id', 'retraction_id'].some((id) => message.get(id) === this.written.id);
    }

    /** @param {boolean} unsent */
    mark(unsent) {
        this.isMarked = unsent;
        this.message?.set('foyer_unsent', unsent, { silent: true });
        this.message?.trigger('change', this.message); // draws it again
    }

    /** The stanza, with when it was written (XEP-0203). */
    withDelay(from) {
        const stanza = new DOMParser().parseFromString(this.written.raw, 'text/xml').documentElement;
        if (stanza.querySelector('delay')) return stanza;
        const delay = stanza.ownerDocument.createElementNS(DELAY, 'delay');
        delay.setAttribute('xmlns', DELAY); // Strophe writes attributes only
        delay.setAttribute('from', from);
        delay.setAttribute('stamp', this.written.at);
        stanza.append(delay);
        return stanza;
    }
}

/** Resolves when a room can be talked in, or does not come back within a minute, or not before one asks for it. @returns {Promise<void>} */
export function entered(room) {
    return new Promise((resolve) => {
        if (!room || room.isEntered() || wasRemoved(room)) return resolve();
        enter(room); // it may be one that nobody has opened on this page
        const { BANNED, DESTROYED, NICKNAME_REQUIRED } = window.converse.ROOMSTATUS;
        const look = () => (room.isEntered() || wasRemoved(room) || [BANNED, DESTROYED, NICKNAME_REQUIRED].includes(room.session.get('connection_status'))) && done();
        const done = () => {
            clearTimeout(patience);
            room.session.off('change:connection_status', look);
            resolve();
        };
        const patience = setTimeout(done, 60_000);
        room.session.on('change:connection_status', look);
    });
}

class Outbox {
    /** @type {Entry[]} */
    entries = [];
    asking = false;
    /** @type {(() => void)[]} who waits until nothing is under way */
    emptied = [];
    begun = new Set(); // ids of messages that are shown, and go in a moment or are under way
    stream = 0; // counts them

    constructor(_converse, jid) {
        this._converse = _converse;
        this.api = _converse.api;
        this.send = this.api.send.bind(this.api); // counts for stream management, too; the send event notes it
        this.keys = outboxKey(jid); // one for each tab
        this.key = this.keys + tabName();
        this.take(this.key);
        this.take(`foyer-outbox-${jid.split('@')[0]}`, sessionStorage); // where an earlier release kept it
        this.takeOver();
    }

    /** Takes over what was kept under a key. */
    take(key, store = localStorage) {
        const written = store.getItem(key) ?? '[]';
        store.removeItem(key);
        /** @type {Entry[]} */
        let kept = [];
        try {
            kept = JSON.parse(written).map((each) => new Entry({ id: /\sid="([^"]*)"/.exec(each.raw)?.[1] ?? null, ...each }, false));
        } catch (cause) {
            console.warn('What was kept to be sent cannot be read.', cause);
        }
        this.entries.unshift(...kept);
        for (const entry of kept) entry.mark(true);
        this.save();
    }

    /** Takes over what tabs that are gone have left: one tab does, while it holds their name. */
    async takeOver() {
        const others = Object.keys(localStorage).filter((key) => key.startsWith(this.keys) && key !== this.key);
        for (const key of others) await whenGone(key.slice(this.keys.length), () => this.take(key));
    }

    save() {
        const written = this.entries.slice(0, MAX_ENTRIES).map((entry) => entry.written);
        try {
            if (written.length) localStorage.setItem(this.key, JSON.stringify(written));
            else localStorage.removeItem(this.key);
        } catch {
            // no room in the browser: it is sent again as long as the page is there
        }
    }

    /** Sends nothing of it any more, and keeps nothing. */
    forget() {
        this.entries = [];
        this.save();
    }

    add(stanza, sent) {
        const entry = Entry.of(stanza, sent);
        const { about } = entry.written;
        if (about) this.entries = this.entries.filter(({ written }) => written.about !== about); // the latest reaction is all of it
        this.entries.push(entry);
        this.save();
        setTimeout(() => this.markUnsent(), UNSENT_MARK_DELAY_MS);
        if (sent) this.ask();
    }

    /** Whether it is not known to have arrived, by the stanza's id. */
    has(id) {
        return this.entries.some(({ written }) => written.id === id);
    }

    /**
     * Notes a stanza that was handed to the present stream, or is to go over the next one. What
     * is sent again, by this or as a stream is resumed (XEP-0198 §5), is here already.
     */
    note(stanza, sent) {
        const id = stanza.getAttribute('id');
        const entry = id && this.entries.find(({ written }) => written.id === id);
        if (!entry) return this.add(stanza, sent);
        entry.sent = sent;
        if (sent) this.ask();
    }

    /** How far a message that is drawn now got, as a class of its element: not at all, no word yet, or to the server. */
    stateOf(message) {
        if (this.isMarked(message)) return ' chat-msg--unsent';
        const isUnderWay = this.begun.has(message.get('msgid')) || this.entries.some((each) => each.message === message || each.isOf(message));
        return isUnderWay ? '' : ' chat-msg--arrived';
    }

    /** Whether a message that is drawn now is marked. */
    isMarked(message) {
        const entry = this.entries.find((each) => each.isMarked && (each.message ?? message) === message && each.isOf(message));
        if (!entry) return false;
        entry.message = message;
        message.set('foyer_unsent', true, { silent: true });
        return true;
    }

    /** The last message that was sent is this one. */
    written(message) {
        const entry = this.entries.at(-1);
        if (!entry || entry.message) return;
        entry.message = message;
        if (!navigator.onLine || !entry.sent) entry.mark(true);
    }

    markUnsent() {
        for (const entry of this.entries) if (!navigator.onLine || siteTime.now() - Date.parse(entry.written.at) >= UNSENT_MARK_DELAY_MS - 50) entry.mark(true);
    }

    /** Whether there is a stream that one is signed in to, as far as is known. */
    works() {
        return this.api.connection.authenticated() && this.api.connection.connected();
    }

    /** Asks the server whether all of it arrived. While a stream begins it is left to flush. */
    async ask() {
        if (this.asking || !this.works()) return;
        this.asking = true;
        while (this.entries.some(({ sent }) => sent)) {
            const asked = this.entries.filter(({ sent }) => sent);
            const { stream } = this;
            const arrived = await answers(this._converse, ANSWER_TIMEOUT_MS);
            if (stream !== this.stream) continue; // there is another by now
            if (!arrived) {
                if (this.works() && navigator.onLine) this.api.connection.reconnect();
                break;
            }
            this.entries = this.entries.filter((entry) => !asked.includes(entry));
            for (const entry of asked) {
                this.begun.delete(entry.written.id);
                entry.mark(false);
            }
            this.save();
            if (this.entries.length === 0) for (const resolve of this.emptied.splice(0)) resolve();
        }
        this.asking = false;
    }

    /** Resolves when all of it arrived. @returns {Promise<void>} */
    empty() {
        if (this.entries.length === 0) return Promise.resolve();
        return new Promise((resolve) => this.emptied.push(resolve));
    }

    /** A stream works: what may have been lost is sent again, in the order it was written; what is for people does not wait for rooms. */
    async flush() {
        // A resumed stream has lost nothing that was sent (XEP-0198 §5).
        const { restored } = this.api.connection.get();
        const stream = ++this.stream;
        if (!restored) for (const entry of this.entries) entry.sent = false; // what this stream is asked of is not of the one before
        await this.takeOver();
        const unsent = this.entries.filter(({ sent }) => !sent);
        for (const entry of [...unsent.filter(({ written }) => !written.room), ...unsent.filter(({ written }) => written.room)]) {
            if (entry.written.room) await entered(await this.api.rooms.get(entry.written.room));
            if (!this.entries.includes(entry)) continue; // a later reaction took its place
            if (stream !== this.stream) return; // the next one has all of it sent
            if (!this.api.connection.get()) return; // the person signed out meanwhile
            this.send(entry.withDelay(this._converse.session.get('bare_jid')));
        }
        this.ask();
    }
}

/**
 * @param {Converse.Private} _converse
 * @param {string} jid
 */
export function deliverAll(_converse, jid) {
    const { api } = _converse;
    const outbox = new Outbox(_converse, jid);

    // Patch: outbox
    api.send = (stanza) => {
        const element = stanza instanceof Element ? stanza : stanza.tree();
        if (api.connection.connected() || !says(element)) return outbox.send(element);
        outbox.note(element, false);
    };
    api.listen.on('send', (element) => {
        if (says(element)) outbox.note(element, true);
    });
    api.listen.on('getOutgoingMessageAttributes', (_chat, message) => {
        outbox.begun.add(message.msgid);
        return message;
    });
    api.listen.on('sendMessage', ({ message }) => outbox.written(message));
    api.listen.on('will-reconnect', () => outbox.stream++);
    api.listen.on('connected', () => outbox.flush());
    api.listen.on('reconnected', () => outbox.flush());
    window.addEventListener('offline', () => outbox.markUnsent());
    window.addEventListener('online', () => outbox.ask());

    showUnsent(outbox);
    return outbox;
}

/** @param {Outbox} outbox */
async function showUnsent(outbox) {
    const { prototype: view } = await customElements.whenDefined('converse-chat-message');
    const { getExtraMessageClasses } = view;
    // Patch: unsent
    view.getExtraMessageClasses = function () {
        return getExtraMessageClasses.call(this) + outbox.stateOf(this.model);
    };
}
