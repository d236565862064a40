// What is to be sent in a conversation, in its order: files that were chosen, and texts.
// One thing goes after the other. Where one does not get through it stands still, until the network
// or the site is back, or somebody tries that one again or takes it away, so that nothing overtakes
// what was before it. What is refused, for now or for ever, is in nobody's way. An edit has its place
// already, and waits for other edits alone. Files are in this page alone, which asks before it goes.
//
// What something edits or answers is what it did when Send was pressed, whatever is edited or
// answered when it goes out.

import { answers } from '../connection/connectivity.js';
import { entered } from '../connection/outbox.js';
import { withLazy, withLazyQuietly } from '../lazy.js';
import { wasRemoved } from '../room/rejoin.js';

// After how long it is asked whether the connection is alive, and how long that may take.
const PING_DELAY_MS = 2000;
const PING_TIMEOUT_MS = 6000;

/**
 * @typedef {object} Item
 * @property {File} [file]
 * @property {string} [text]
 * @property {string} [picture] a small one of the file, as an address, if it is one
 * @property {'chosen' | 'waiting' | 'sending' | 'away' | 'failed'} state away: it waits for the network, or the site
 * @property {number} progress from 0 to 1
 * @property {string} why it failed, in words
 * @property {boolean} [permanent] trying again would fail as well
 * @property {boolean} [refused] what comes after it does not wait for another try
 * @property {any} [corrects] the message that a text is to take the place of
 * @property {{reply_to_id: string, reply_to: string}} [answers] as Converse notes what is answered
 * @property {number} since when it is here
 * @property {AbortController} stop
 */

/** @type {WeakMap<object, Queue>} */
const queues = new WeakMap();

/** What is being sent. @type {Set<Promise<void>>} */
const underWay = new Set();

/** Resolves when all that is being sent is sent, or failed. */
export const allSent = () => Promise.all(underWay);

/** Those with something in them. @type {Set<Queue>} */
const filled = new Set();

/** Those of them whose conversation is there. */
const ofOpen = () => [...filled].filter(({ chat }) => chat.collection);

/**
 * What a conversation has that is not sent: what failed, or else its first file.
 * @param {string} jid
 * @returns {[Item['state'], string] | undefined} how it stands with it, and its name
 */
export function unsentOf(jid) {
    for (const { chat, items } of ofOpen()) {
        const [first] = [...items.filter(({ state }) => state === 'failed'), ...items.filter(({ file }) => file)];
        const whose = chat.get('from') ?? chat.get('jid'); // in private, within a room, of somebody there
        if (first && whose.split('/')[0] === jid) return [first.state, first.file?.name ?? first.text ?? ''];
    }
    return undefined;
}

let promptsOnUnload = true;

/** Somebody signs out, or is somebody else by now: what could not be sent until then keeps nobody here. */
export const stopUnloadPrompt = () => (promptsOnUnload = false);

let returns = 0; // how often the network, or the site, was back

/**
 * What did not get through is tried again as soon as that may help; who leaves the page is asked while there are files that
 * may still be sent.
 * @param {Converse.Private} _converse
 */
export function resumeOnReconnect(_converse) {
    const { api } = _converse;
    const goOn = () => {
        returns++;
        for (const queue of filled) queue.goOn();
    };
    api.listen.on('connected', goOn);
    api.listen.on('reconnected', goOn);
    api.listen.on('chatBoxClosed', (chat) => queues.get(chat)?.end());
    window.addEventListener('online', async () => (await answers(_converse, PING_TIMEOUT_MS)) && goOn()); // or else there is another stream soon
    window.addEventListener('beforeunload', (event) => {
        if (promptsOnUnload && ofOpen().some(({ items }) => items.some(({ file, permanent }) => file && !permanent))) event.preventDefault();
    });
}

/** That of a conversation. @param {Converse.Private} _converse @param {any} chat @returns {Queue} */
export function queueOf(_converse, chat) {
    let queue = queues.get(chat);
    if (!queue) queues.set(chat, (queue = new Queue(_converse, chat)));
    return queue;
}

/** @returns {Item} */
const item = (what, state) => ({ ...what, state, progress: 0, why: '', since: Date.now(), stop: new AbortController() });

/** Whether there is a way to the site, as far as the page knows. @param {Converse.Private} _converse */
const isThere = (_converse) => _converse.api.connection.connected() && navigator.onLine;

const THUMBNAIL_PX = 88;

/** A small picture of a file, cut to a square; nothing if it is none that the browser shows. */
async function thumbnail(file) {
    if (!file.type.startsWith('image/')) return undefined;
    const image = await createImageBitmap(file).catch(() => null);
    if (!image) return undefined;
    const canvas = Object.assign(document.createElement('canvas'), { width: THUMBNAIL_PX, height: THUMBNAIL_PX });
    const side = Math.min(image.width, image.height);
    canvas.getContext('2d')?.drawImage(image, (image.width - side) / 2, (image.height - side) / 2, side, side, 0, 0, THUMBNAIL_PX, THUMBNAIL_PX);
    image.close();
    return canvas.toDataURL('image/webp');
}

/** Tells of each change by an event "change". */
export class Queue extends EventTarget {
    /** @type {Item[]} */
    items = [];
    /** Of edits, and of all else. @type {Set<boolean>} */
    #running = new Set();

    /** @param {Converse.Private} _converse */
    constructor(_converse, chat) {
        super();
        this._converse = _converse;
        this.chat = chat;
    }

    /** Whether there is something that Send would send. */
    get chosen() {
        return this.items.some(({ state }) => state === 'chosen');
    }

    /** Texts that are not sent yet, without those that are edits. */
    get texts() {
        return this.items.flatMap(({ text, corrects }) => (text && !corrects ? text : []));
    }

    /** Of texts that are not sent yet, for the next page: what one answers, and the latest edit. */
    get meant() {
        const answers = this.items.find(({ text, answers }) => text && answers)?.answers;
        const edit = this.items.findLast(({ corrects }) => corrects);
        return answers || edit ? { answers, text: edit?.text, corrects: edit?.corrects.id } : null;
    }

    /** Adds files, for Send to send. @param {Iterable<File>} files */
    choose(files) {
        for (const file of files) {
            const chosen = item({ file }, 'chosen');
            this.items.push(chosen);
            thumbnail(file).then((picture) => {
                chosen.picture = picture;
                this.#changed();
            });
            withLazyQuietly(async ({ whyNever }) => {
                const why = await whyNever(this._converse, file);
                if (!why || chosen.state !== 'chosen') return; // or it is found as it is sent
                Object.assign(chosen, { state: 'failed', why, permanent: true, refused: true });
                this.#changed();
            });
        }
        this.#changed();
    }

    /** Sends what was chosen, and then a text, if there is one. An answer is the text, or else the first file. @param {string} text */
    send(text) {
        const { chat } = this;
        const corrects = text && chat.messages.findWhere('correcting');
        const sent = this.items.filter(({ state }) => state === 'chosen');
        const { reply_to_id, reply_to } = chat.attributes;
        if (text) {
            const said = item({ text, corrects }, 'waiting');
            this.items.push(said);
            if (!corrects) sent.unshift(said);
        }
        for (const each of sent) each.state = 'waiting';
        if (reply_to_id && sent[0]) {
            sent[0].answers = { reply_to_id, reply_to };
            chat.save({ reply_to_id: undefined, reply_to: undefined });
        }
        if (corrects) corrects.save('correcting', false);
        this.#changed();
        this.#run();
    }

    /** The network is back, or the site. */
    goOn() {
        if (!this.chat.collection) return this.end();
        for (const item of this.items) if (item.state === 'away' || (item.state === 'failed' && !item.refused)) this.retry(item);
    }

    /** The conversation was closed: nothing goes there any more. What was written stays its draft (form.js). */
    end() {
        for (const { stop } of this.items) stop.abort();
        filled.delete(this);
    }

    /** @param {Item} failed */
    retry(failed) {
        Object.assign(failed, { state: 'waiting', why: '', progress: 0, refused: false, stop: new AbortController() });
        this.#changed();
        this.#run();
    }

    /** Takes something away, whether or not it is being sent. @param {Item} gone */
    remove(gone) {
        this.items = this.items.filter((each) => each !== gone);
        gone.stop.abort();
        this.#changed();
        this.#run();
    }

    #run() {
        for (const edits of [false, true]) {
            if (this.#running.has(edits)) continue;
            this.#running.add(edits);
            const sending = this.#deliverAll(edits).finally(() => underWay.delete(sending));
            underWay.add(sending);
        }
    }

    async #deliverAll(edits) {
        const next = () => this.items.find(({ refused, corrects }) => !refused && Boolean(corrects) === edits);
        for (let first = next(); first?.state === 'waiting'; first = next()) await this.#deliver(first);
        this.#running.delete(edits);
    }

    /** @param {Item} first */
    async #deliver(first) {
        first.state = first.file && !isThere(this._converse) ? 'away' : 'sending';
        this.#changed();
        if (first.state === 'away') return;
        const dead = setTimeout(() => this.#comeBackIfDead(), PING_DELAY_MS);
        const before = returns;
        try {
            const said = first.file ? await this.#upload(first, first.file) : { body: first.text };
            first.stop.signal.throwIfAborted();
            if (this.chat.isEntered && isThere(this._converse)) await entered(this.chat); // it was left with the stream before
            first.stop.signal.throwIfAborted();
            if (wasRemoved(this.chat)) throw { message: 'You are not in this room.', refused: true };
            if (!(await this.chat.sendMessage(said, first))) throw new Error('the conversation takes no messages'); // sendContext.js
            this.remove(first);
        } catch (/** @type {any} */ cause) {
            const isTold = cause?.refused !== undefined; // upload.js
            if (!isTold && !first.stop.signal.aborted) console.warn('Something was not sent.', cause);
            const { message: why, permanent, refused } = isTold ? cause : { message: 'It was not sent. Please try again.' };
            const isAway = !isThere(this._converse);
            const again = !permanent && (isAway || before !== returns);
            Object.assign(first, { state: !again ? 'failed' : isAway ? 'away' : 'waiting', why, permanent, refused: refused && !again });
            this.#changed();
        }
        clearTimeout(dead);
    }

    async #upload(first, file) {
        /** @type {import('../lazy.js').LazyBundle} */
        const { upload } = await new Promise(withLazy);
        const onProgress = (part) => {
            first.progress = part;
            this.dispatchEvent(new Event('change'));
        };
        return upload(this._converse, this.chat, file, onProgress, first.stop.signal);
    }

    /** A stream that is dead says nothing by itself: a page that starts on one would wait for long. */
    async #comeBackIfDead() {
        const { api } = this._converse;
        const hears = await answers(this._converse, PING_TIMEOUT_MS);
        if (!hears && api.connection.connected() && navigator.onLine) api.connection.reconnect();
    }

    #changed() {
        filled[this.items.length && this.chat.collection ? 'add' : 'delete'](this);
        this.dispatchEvent(new Event('change'));
        document.dispatchEvent(new Event('foyer:drafts')); // the list tells of it
    }
}
