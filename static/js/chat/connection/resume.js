// A stream goes on after a reload (XEP-0198, BOSH), and whatever it brought before
// is not sent again. Converse keeps that in IndexedDB, a little later than it came.
// So the tab notes what came and is not there yet (replayBuffer.js), and that a new stream
// still begins: until the list of people is there, and everything that is asked at the
// start was answered. Over BOSH the next page hears again what was noted, and asks again
// what was not answered. Over WebSocket it opens a new stream.

import { replayBuffer } from './replayBuffer.js';
import { writeWhole } from './batches.js';
import { requests } from './requests.js';
import { keepInTab } from './tabStore.js';

const STARTING = 'foyer-starting';

// What Strophe and Converse keep of a session of BOSH.
const BOSH = /bosh-session/;

// How often it is looked whether everything was sent.
const POLL_MS = 50;

// How long the browser's store may take for the list of people: longer, and it has to be
// asked for, which it cannot while nothing is sent.
const STORE_TIMEOUT_MS = 5000;

/** Resolves when the browser has nothing else to do. */
const idle = () => new Promise((resolve) => (window.requestIdleCallback ?? ((done) => setTimeout(done, 300)))(resolve));

const beganToStart = () => sessionStorage.getItem(STARTING) !== null;

/** Forgets the stream this tab kept, so that a new one is opened. */
export function forgetStream() {
    forgetBut(() => false);
    replayBuffer.forget();
    requests.forget();
    sessionStorage.removeItem(STARTING);
}

function forgetBut(stays) {
    for (const key of Object.keys(sessionStorage)) {
        if (!key.startsWith('foyer-') && !stays(key)) sessionStorage.removeItem(key);
    }
}

/** Prepares for the stream of the page before to go on, as far as it may. */
export function prepareResume() {
    const isBOSH = sessionStorage.getItem('strophe-bosh-session') !== null;
    if (isBOSH && beganToStart()) forgetBut((key) => BOSH.test(key));
    if (!isBOSH && (beganToStart() || replayBuffer.any())) forgetStream();
}

/** Notes in the tab whether something that came is not kept yet. */
class ResumeTracker {
    starting = true; // until the list of people is there, and everything that is asked at the start was answered
    listed = false; // whether the list of people is there
    writes = new Set(); // into IndexedDB, under way
    failed = false; // whether one of them did, as they do where a page goes away
    asked = new Set(); // ids of requests without an answer
    came = 0; // elements that are to be kept, so far
    settled = Promise.resolve();
    settling = false;
    connection = null;

    /** An element came. */
    received(element) {
        if (!(element instanceof Element)) return; // Strophe passes the event of a WebSocket's <close/>
        for (const iq of [element, ...element.children]) {
            if (iq.nodeName === 'iq' && /result|error/.test(iq.getAttribute('type'))) this.asked.delete(iq.getAttribute('id'));
        }
        const { isKept, noted } = replayBuffer.note(element);
        if (!noted) this.starting = true; // it is more than the tab keeps: the next page asks for all of it, as in a new stream
        if (this.starting && !beganToStart()) keepInTab(STARTING, '1');
        if (!isKept && !this.starting) return;
        this.came++;
        this.settle();
    }

    sent(element) {
        for (const iq of [element, ...element.children]) {
            if (iq.nodeName === 'iq' && /get|set/.test(iq.getAttribute('type'))) this.asked.add(iq.getAttribute('id'));
        }
    }

    written(promise) {
        const write = promise.catch(() => (this.failed = true)).finally(() => this.writes.delete(write));
        this.writes.add(write);
        return promise;
    }

    /** Whether an answer of ours waits: BOSH gathers for a moment what it sends. */
    get unsent() {
        return this.connection.connected && this.connection._data.length > 0;
    }

    /** Takes the notes away once everything that came was handled, answered and written. */
    settle() {
        if (!this.settling) this.settled = this.settleNow();
        return this.settled;
    }

    async settleNow() {
        this.settling = true;
        let before;
        do {
            before = this.came;
            await idle();
            await Promise.all(this.writes);
            while (this.unsent) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        } while (before !== this.came || this.writes.size > 0);
        this.settling = false;
        if (this.failed || (this.starting && (!this.listed || this.asked.size > 0))) return;
        this.starting = false;
        sessionStorage.removeItem(STARTING);
        replayBuffer.forget();
    }

    /** The stream goes on where it was: it began long ago. */
    resumed() {
        this.starting = false;
        this.listed = true;
    }
}

/**
 * Takes up a session of BOSH: nothing is sent, and so nothing heard, before Converse
 * listens. If the page before went away while the session began, all is asked again.
 */
// Patch: taken-up
function takeUp(api, tracker, take) {
    const { connection } = tracker;
    const { restore } = connection;
    connection.restore = (jid, callback, ...rest) => {
        connection.restore = restore; // later on this page there is nothing to take over from another
        const again = beganToStart();
        connection.pause();
        try {
            restore.call(
                connection,
                jid,
                (...status) => {
                    // Patch: begun-again
                    if (again) connection.restored = false;
                    callback.apply(connection, status);
                },
                ...rest
            );
        } catch (cause) {
            connection.resume();
            throw cause; // there is none to take up
        }
        if (!again) tracker.resumed();
        listening(api, again).then(() => {
            if (!again) take();
            connection.resume();
            // Patch: requests-repeated
            requests.repeat(connection);
        });
    };
}

/** Resolves when what comes finds who listens; in a session that only begins, they ask the server first. */
function listening(api, begins) {
    const ready = Promise.all(['chatBoxesFetched', begins ? 'rosterInitialized' : 'rosterContactsFetched'].map((name) => api.waitUntil(name)));
    return Promise.race([ready, new Promise((resolve) => setTimeout(resolve, STORE_TIMEOUT_MS))]);
}

/**
 * Hears again what the page before had heard, and not kept.
 * @returns {{take: () => void, heard: Promise<Set<string>>}} how to do it at once, which it
 *   does by itself when the list of people is there; and from whom there were messages
 */
function replay(_converse, tracker) {
    const { api } = _converse;
    if (!replayBuffer.any()) return { take() {}, heard: Promise.resolve(new Set()) };
    const collected = replayBuffer.collect();
    const { getBareJidFromJid } = window.converse.env.Strophe;
    let take;
    const taken = new Promise((resolve) => {
        take = () => {
            const body = collected();
            const senders = [...body.querySelectorAll('message')].map((message) => getBareJidFromJid(message.getAttribute('from') ?? ''));
            // A request that was answered, as Strophe sees it.
            // Patch: heard-again
            if (body.children.length) tracker.connection._dataRecv(Object.assign(body, { getResponse: () => body }));
            resolve(new Set(senders));
        };
    });
    Promise.all([api.waitUntil('chatBoxesFetched'), api.waitUntil('rosterContactsFetched')]).then(() => take());
    return { take: () => take(), heard: taken.then((senders) => tracker.settled.then(() => senders)) };
}

/**
 * Watches what comes and what is written.
 * @param {Converse.Private} _converse
 * @returns {Promise<Set<string>>} from whom messages were heard again, once they are kept
 */
export function trackForResume(_converse) {
    const { api } = _converse;
    const tracker = new ResumeTracker();
    requests.watch();
    const { take, heard } = replay(_converse, tracker);

    api.listen.on('connectionInitialized', () => {
        const connection = api.connection.get();
        const { xmlInput, xmlOutput } = connection;
        tracker.connection = connection;
        connection.xmlInput = (element) => {
            tracker.received(element);
            xmlInput.call(connection, element);
        };
        connection.xmlOutput = (element) => {
            tracker.sent(element);
            xmlOutput.call(connection, element);
        };
        takeUp(api, tracker, take);
    });
    api.listen.on('rosterContactsFetched', () => {
        tracker.listed = true;
        tracker.settle();
    });
    // That a stream had only begun stays noted: browsers may tell of its end as the page goes away, with half of what it brought not kept.
    const startAgain = () => {
        tracker.asked.clear();
        tracker.starting = true;
        tracker.listed = false;
    };
    api.listen.on('disconnected', startAgain);
    api.listen.on('will-reconnect', startAgain);
    countWrites(_converse, tracker);
    return heard;
}

/** Lets the tracker know of everything that is written into IndexedDB. */
// Patch: writes-counted
function countWrites(_converse, tracker) {
    const storage = Object.getPrototypeOf(_converse.state.config.storage);
    const { save } = storage;
    storage.save = function (model) {
        if (this.store !== _converse.storage.persistent) return save.call(this, model);
        writeWhole(this.store);
        // The version says that everybody up to it is kept (RFC 6121 §2.6).
        const before = model === _converse.state.roster?.data ? Promise.all(tracker.writes) : null;
        return tracker.written(before ? before.then(() => save.call(this, model)) : save.call(this, model));
    };
}
