// What was written and is not known to have arrived. The server answers in order,
// so its answer to a ping says that it has everything that was sent before. Until
// then a message is marked, if that takes long; and when a stream is lost it is
// sent again, marked as delayed, after a reload as well. The server knows by their
// ids which of them it has: by the archive, and what is in none until it starts again
// (xmppd/archive/unkept.go). Where another server does not know, apps do, by the same ids
// (XEP-0359 §3.2): Converse shows it once, on both sides.

import { answers } from './connectivity.js';
import { enter } from '../room/lateEntry.js';
import { keepInTab } from './tabStore.js';

// After how long a message is marked that has not arrived.
const NOTICEABLE = 2000; // ms

// How long the server may take to answer.
const PATIENCE = 6000; // ms

const DELAY = 'urn:xmpp:delay';

/** Whether a stanza is a message that says something. */
const says = (stanza) => stanza.nodeName === 'message' && Boolean(stanza.querySelector('body'));

/** A message under way. */
class Entry {
    /** @type {any} the message as it is shown, once it is */
    message = null;

    /**
     * @param {{raw: string, room: string|null, at: string}} written
     * @param {boolean} sent on the present stream
     */
    constructor({ raw, room, at }, sent) {
        this.raw = raw;
        this.room = room;
        this.at = at;
        this.sent = sent;
    }

    /** @param {Element} stanza */
    static of(stanza, sent) {
        const raw = new XMLSerializer().serializeToString(stanza);
        const room = stanza.getAttribute('type') === 'groupchat' ? stanza.getAttribute('to') : null;
        return new Entry({ raw, room, at: new Date().toISOString() }, sent);
    }

    /** @param {boolean} unsent */
    mark(unsent) {
        if (Boolean(this.message?.get('foyer_unsent')) !== unsent) this.message?.set('foyer_unsent', unsent);
    }

    /** The stanza, with when it was written (XEP-0203). */
    withDelay(from) {
        const stanza = new DOMParser().parseFromString(this.raw, 'text/xml').documentElement;
        if (stanza.querySelector('delay')) return stanza;
        const delay = stanza.ownerDocument.createElementNS(DELAY, 'delay');
        delay.setAttribute('xmlns', DELAY); // Strophe writes attributes only
        delay.setAttribute('from', from);
        delay.setAttribute('stamp', this.at);
        stanza.append(delay);
        return stanza;
    }
}

/** Resolves when a room can be talked in, or does not come back within a minute. @returns {Promise<void>} */
function entered(room) {
    return new Promise((resolve) => {
        if (!room || room.isEntered()) return resolve();
        enter(room); // it may be one that nobody has opened on this page
        const look = () => room.isEntered() && done();
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
    stream = 0; // counts them

    constructor(_converse, user) {
        this._converse = _converse;
        this.api = _converse.api;
        this.key = `foyer-outbox-${user}`; // of this tab
        this.entries = JSON.parse(sessionStorage.getItem(this.key) ?? '[]').map((written) => new Entry(written, false));
    }

    save() {
        const written = this.entries.map(({ raw, room, at }) => ({ raw, room, at }));
        if (written.length) keepInTab(this.key, JSON.stringify(written));
        else sessionStorage.removeItem(this.key);
    }

    add(stanza, sent) {
        const entry = Entry.of(stanza, sent);
        this.entries.push(entry);
        this.save();
        setTimeout(() => this.markUnsent(), NOTICEABLE);
        return entry;
    }

    /** The last message that was sent is this one. */
    written(message) {
        const entry = this.entries.at(-1);
        if (!entry || entry.message) return;
        entry.message = message;
        if (!navigator.onLine || !entry.sent) entry.mark(true);
        this.ask();
    }

    markUnsent() {
        for (const entry of this.entries) if (!navigator.onLine || Date.now() - Date.parse(entry.at) >= NOTICEABLE - 50) entry.mark(true);
    }

    /** Asks the server whether all of it arrived. */
    async ask() {
        if (this.asking) return;
        this.asking = true;
        while (this.entries.some(({ sent }) => sent)) {
            const asked = this.entries.filter(({ sent }) => sent);
            const { stream } = this;
            const arrived = await answers(this._converse, PATIENCE);
            if (stream !== this.stream) continue; // there is another by now
            if (!arrived) {
                if (this.api.connection.connected() && navigator.onLine) this.api.connection.reconnect();
                break;
            }
            for (const entry of asked) entry.mark(false);
            this.entries = this.entries.filter((entry) => !asked.includes(entry));
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
        const unconfirmed = this.entries.filter(({ sent }) => !(restored && sent));
        for (const entry of unconfirmed) entry.sent = false; // what this stream is asked of is not of the one before
        for (const entry of [...unconfirmed.filter(({ room }) => !room), ...unconfirmed.filter(({ room }) => room)]) {
            const room = entry.room && (await this.api.rooms.get(entry.room));
            if (entry.room) await entered(room);
            if (stream !== this.stream) return; // the next one has all of it sent
            entry.sent = true;
            const connection = this.api.connection.get();
            if (!connection) return; // the person signed out meanwhile
            connection.send(entry.withDelay(this._converse.session.get('bare_jid')));
        }
        this.ask();
    }
}

/**
 * @param {Converse.Private} _converse
 * @param {string} user
 */
export function deliverAll(_converse, user) {
    const { api } = _converse;
    const outbox = new Outbox(_converse, user);

    const { send } = api;
    // Patch: outbox
    api.send = (stanza) => {
        const element = stanza instanceof Element ? stanza : stanza.tree();
        if (api.connection.connected() || !says(element)) return send.call(api, element);
        outbox.add(element, false);
    };
    api.listen.on('send', (element) => {
        if (says(element)) outbox.add(element, true);
    });
    api.listen.on('sendMessage', ({ message }) => outbox.written(message));
    api.listen.on('will-reconnect', () => outbox.stream++);
    api.listen.on('connected', () => outbox.flush());
    api.listen.on('reconnected', () => outbox.flush());
    window.addEventListener('offline', () => outbox.markUnsent());
    window.addEventListener('online', () => outbox.ask());

    showUnsent();
    return outbox;
}

async function showUnsent() {
    const { prototype: view } = await customElements.whenDefined('converse-chat-message');
    const { getExtraMessageClasses } = view;
    // Patch: unsent
    view.getExtraMessageClasses = function () {
        return getExtraMessageClasses.call(this) + (this.model.get('foyer_unsent') ? ' chat-msg--unsent' : '');
    };
}
