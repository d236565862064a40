// What is to be sent in a conversation, in its order: files that were chosen, and texts.
// One thing goes after the other. Where one does not get through it stands still, until somebody
// tries that one again or takes it away, so that nothing overtakes what was before it. What is
// refused, for now or for ever, is in nobody's way.

import { answers } from '../connectivity.js';
import { upload, UploadError, whyNever } from '../upload.js';

// After how long it is asked whether the connection is alive, and how long that may take.
const LONG = 2000; // ms
const PATIENCE = 6000; // ms

/**
 * @typedef {object} Item
 * @property {File} [file]
 * @property {string} [text]
 * @property {string} [picture] a small one of the file, as an address, if it is one
 * @property {'chosen' | 'waiting' | 'sending' | 'failed'} state
 * @property {number} progress from 0 to 1
 * @property {string} why it failed, in words
 * @property {boolean} [permanent] trying again would fail as well
 * @property {boolean} [refused] what comes after it does not wait for another try
 * @property {number} since when it is here
 * @property {AbortController} stop
 */

/** @type {WeakMap<object, Queue>} */
const queues = new WeakMap();

/** What is being sent. @type {Set<Promise<void>>} */
const underWay = new Set();

/** Resolves when all that is being sent is sent, or failed. */
export const allSent = () => Promise.all(underWay);

/** That of a conversation. @param {Converse.Private} _converse @param {any} chat @returns {Queue} */
export function queueOf(_converse, chat) {
    let queue = queues.get(chat);
    if (!queue) queues.set(chat, (queue = new Queue(_converse, chat)));
    return queue;
}

/** @returns {Item} */
const item = (what, state) => ({ ...what, state, progress: 0, why: '', since: Date.now(), stop: new AbortController() });

const THUMBNAIL = 88; // px

/** A small picture of a file, cut to a square; nothing if it is none that the browser shows. */
async function thumbnail(file) {
    if (!file.type.startsWith('image/')) return undefined;
    const image = await createImageBitmap(file).catch(() => null);
    if (!image) return undefined;
    const canvas = Object.assign(document.createElement('canvas'), { width: THUMBNAIL, height: THUMBNAIL });
    const side = Math.min(image.width, image.height);
    canvas.getContext('2d')?.drawImage(image, (image.width - side) / 2, (image.height - side) / 2, side, side, 0, 0, THUMBNAIL, THUMBNAIL);
    image.close();
    return canvas.toDataURL('image/webp');
}

/** Tells of each change by an event "change". */
export class Queue extends EventTarget {
    /** @type {Item[]} */
    items = [];
    #running = false;

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

    /** Texts that are not sent yet. */
    get texts() {
        return this.items.flatMap(({ text }) => text ?? []);
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
            whyNever(this._converse, file).then((why) => {
                if (!why || chosen.state !== 'chosen') return; // or it is found as it is sent
                Object.assign(chosen, { state: 'failed', why, permanent: true, refused: true });
                this.#changed();
            });
        }
        this.#changed();
    }

    /** Sends what was chosen, and then a text, if there is one. @param {string} text */
    send(text) {
        for (const each of this.items) if (each.state === 'chosen') each.state = 'waiting';
        if (text) this.items.push(item({ text }, 'waiting'));
        this.#changed();
        this.#run();
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
        if (this.#running) return;
        this.#running = true;
        const sending = this.#deliverAll().finally(() => underWay.delete(sending));
        underWay.add(sending);
    }

    async #deliverAll() {
        const next = () => this.items.find(({ refused }) => !refused);
        for (let first = next(); first?.state === 'waiting'; first = next()) await this.#deliver(first);
        this.#running = false;
    }

    /** @param {Item} first */
    async #deliver(first) {
        first.state = 'sending';
        this.#changed();
        const dead = setTimeout(() => this.#comeBackIfDead(), LONG);
        try {
            await (first.file ? this.#sendFile(first, first.file) : this.#sendText(first.text));
            this.remove(first);
        } catch (cause) {
            if (!(cause instanceof UploadError) && !first.stop.signal.aborted) console.warn('Something was not sent.', cause);
            const { message, permanent, refused } = cause instanceof UploadError ? cause : new UploadError('It was not sent. Please try again.');
            Object.assign(first, { state: 'failed', why: message, permanent, refused });
            this.#changed();
        }
        clearTimeout(dead);
    }

    async #sendFile(first, file) {
        const onProgress = (part) => {
            first.progress = part;
            this.#changed();
        };
        const message = await upload(this._converse, this.chat, file, onProgress, first.stop.signal);
        first.stop.signal.throwIfAborted();
        if (!(await this.chat.sendMessage(message))) throw new Error('the conversation takes no messages');
    }

    async #sendText(text) {
        const isCommand = text.startsWith('/') && (await this._converse.api.hook('parseMessageForCommands', { model: this.chat, text }, false));
        if (!isCommand && !(await this.chat.sendMessage({ body: text }))) throw new Error('the conversation takes no messages');
    }

    /** A stream that is dead says nothing by itself: a page that starts on one would wait for long. */
    async #comeBackIfDead() {
        const { api } = this._converse;
        const hears = await answers(this._converse, PATIENCE);
        if (!hears && api.connection.connected() && navigator.onLine) api.connection.reconnect();
    }

    #changed() {
        this.dispatchEvent(new Event('change'));
    }
}
