// A stream goes on after a reload (XEP-0198, BOSH), and whatever it brought before
// is not sent again. Converse keeps that in IndexedDB, a little later than it came.
// So a stream is taken up only if what nobody asks for again was kept when the page
// went away: the answers to what is asked at the start, changes of the list of people,
// and messages that are to be unread. Otherwise the tab opens a new one.

const KEY = 'foyer-unkept';

// How often it is looked whether everything was sent.
const LOOK = 50; // ms

/** Whether the page before this one, in this tab, went away before it had kept everything. */
export const somethingWasLost = () => sessionStorage.getItem(KEY) !== null;

export const startKeeping = () => sessionStorage.removeItem(KEY);

/** Resolves when the browser has nothing else to do. */
const idle = () => new Promise((resolve) => (window.requestIdleCallback ?? ((done) => setTimeout(done, 300)))(resolve));

/** Whether this is lost with the page: a change that is pushed, a request to be a contact, or a message to the person. What rooms said is asked for again. */
const isPushed = (stanza) =>
    (stanza.nodeName === 'presence' && stanza.getAttribute('type') === 'subscribe') ||
    (stanza.nodeName === 'iq' && stanza.getAttribute('type') === 'set') ||
    (stanza.nodeName === 'message' && stanza.getAttribute('type') !== 'groupchat' && stanza.querySelector('body') !== null);

/** Notes in the tab whether something that came is not kept yet. */
class Keeper {
    starting = true; // until the list of people is there, and everything that is asked at the start was answered
    listed = false; // whether the list of people is there
    writes = new Set(); // into IndexedDB, under way
    asked = new Set(); // ids of requests without an answer
    came = 0; // elements that are to be kept, so far
    settling = false;
    connection = null;

    /** An element came. */
    received(element) {
        if (!(element instanceof Element)) return; // Strophe passes the event of a WebSocket's <close/>
        for (const iq of [element, ...element.children]) {
            if (iq.nodeName === 'iq' && /result|error/.test(iq.getAttribute('type'))) this.asked.delete(iq.getAttribute('id'));
        }
        if (!this.starting && ![element, ...element.children].some(isPushed)) return;
        this.came++;
        sessionStorage.setItem(KEY, '1');
        this.settle();
    }

    sent(element) {
        for (const iq of [element, ...element.children]) {
            if (iq.nodeName === 'iq' && /get|set/.test(iq.getAttribute('type'))) this.asked.add(iq.getAttribute('id'));
        }
    }

    written(promise) {
        const write = promise.catch(() => {}).finally(() => this.writes.delete(write));
        this.writes.add(write);
        return promise;
    }

    /** Whether an answer of ours waits: BOSH gathers for a moment what it sends. */
    get unsent() {
        return this.connection.connected && this.connection._data.length > 0;
    }

    /** Takes the note away once everything that came was handled, answered and written. */
    async settle() {
        if (this.settling) return;
        this.settling = true;
        let before;
        do {
            before = this.came;
            await idle();
            await Promise.all(this.writes);
            while (this.unsent) await new Promise((resolve) => setTimeout(resolve, LOOK));
        } while (before !== this.came || this.writes.size > 0);
        this.settling = false;
        if (this.starting && (!this.listed || this.asked.size > 0)) return;
        this.starting = false;
        sessionStorage.removeItem(KEY);
    }
}

/**
 * Watches what comes and what is written.
 * @param {Converse.Private} _converse
 */
export function keepBeforeResuming(_converse) {
    const { api } = _converse;
    const keeper = new Keeper();

    api.listen.on('connectionInitialized', () => {
        const connection = api.connection.get();
        const { xmlInput, xmlOutput } = connection;
        keeper.connection = connection;
        connection.xmlInput = (element) => {
            keeper.received(element);
            xmlInput.call(connection, element);
        };
        connection.xmlOutput = (element) => {
            keeper.sent(element);
            xmlOutput.call(connection, element);
        };
    });
    api.listen.on('rosterContactsFetched', () => {
        keeper.listed = true;
        keeper.settle();
    });
    const startAgain = () => {
        keeper.asked.clear();
        keeper.starting = true;
        keeper.listed = false;
    };
    api.listen.on('disconnected', startAgain);
    api.listen.on('will-reconnect', startAgain);

    const storage = Object.getPrototypeOf(_converse.state.config.storage);
    const { save } = storage;
    storage.save = function (model) {
        if (this.store !== _converse.storage.persistent) return save.call(this, model);
        // The version says that everybody up to it is kept (RFC 6121 §2.6).
        const before = model === _converse.state.roster?.data ? Promise.all(keeper.writes) : null;
        return keeper.written(before ? before.then(() => save.call(this, model)) : save.call(this, model));
    };
}
