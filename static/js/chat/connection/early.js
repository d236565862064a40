// The beginning of a stream, made while Converse is still fetched and read: a WebSocket,
// who one is (by the site's cookie: SASL EXTERNAL), and what the server offers after that
// (RFC 7395 §3.3, RFC 6120 §6.4). It is what Strophe would say, element for element. When
// Strophe comes it says the same, which is not sent again, hears what was answered, and
// goes on from there. Whatever goes otherwise than expected, Strophe hears and judges.

import { transport } from './transport.js';

const FRAMING = 'urn:ietf:params:xml:ns:xmpp-framing';
const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl';
const OFFERS_EXTERNAL = /<mechanism[^>]*>EXTERNAL</;

/** The name of the element that a frame is. */
const nameOf = (frame) => /^<([^\s/>]+)/.exec(frame)?.[1];

/** Text as Base64 of its UTF-8 (RFC 6120 §6.3.8). */
const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

/** What Strophe uses of a WebSocket, around one that may be ahead of it. */
class EarlySocket {
    /** @type {((event: any) => void) | null} */
    onopen = null;
    /** @type {((event: any) => void) | null} */
    onmessage = null;
    /** @type {((event: any) => void) | null} */
    onerror = null;
    /** @type {((event: any) => void) | null} */
    onclose = null;

    /** Frames that were sent ahead of Strophe, and how many of them it has said since. @type {string[]} */
    #ahead = [];
    #repeated = 0;
    /** What happened and Strophe has not heard, each with the number of frames that were sent ahead before it. @type {{after: number, tell: () => void}[]} */
    #unheard = [];
    #joined = false;

    /**
     * @param {string} url
     * @param {{domain: string, jid: string}} who
     */
    constructor(url, { domain, jid }) {
        this.open = `<open xmlns="${FRAMING}" to="${domain}" version="1.0"/>`;
        this.auth = `<auth xmlns="${SASL}" mechanism="EXTERNAL">${base64(jid)}</auth>`;
        const socket = new WebSocket(url, 'xmpp');
        this.socket = socket;
        socket.onopen = () => {
            this.#happened(() => this.onopen?.(undefined));
            if (!this.#joined) this.#say(this.open);
        };
        socket.onmessage = (event) => {
            const alone = this.#ahead.length > this.#repeated; // Strophe could not answer yet
            this.#happened(() => this.onmessage?.(event));
            if (alone) this.#answer(event.data);
        };
        socket.onerror = (event) => this.#happened(() => this.onerror?.(event));
        socket.onclose = (event) => this.#happened(() => this.onclose?.(event));
    }

    get readyState() {
        return this.socket.readyState;
    }

    /** Strophe listens from now on. */
    join() {
        this.#joined = true;
        queueMicrotask(() => this.#tell());
    }

    /** @param {string} frame */
    send(frame) {
        const said = this.#ahead[this.#repeated];
        if (said === undefined) return this.socket.send(frame);
        if (nameOf(said) !== nameOf(frame)) {
            this.#ahead.length = this.#repeated; // nothing of it counts: Strophe hears the end, and connects again
            this.#unheard = [];
            return this.socket.close();
        }
        this.#repeated++;
        queueMicrotask(() => this.#tell()); // not while it still sends
    }

    close() {
        this.socket.close();
    }

    #say(frame) {
        this.#ahead.push(frame);
        this.socket.send(frame);
    }

    #answer(frame) {
        if (OFFERS_EXTERNAL.test(frame)) this.#say(this.auth);
        else if (nameOf(frame) === 'success') this.#say(this.open);
    }

    #happened(tell) {
        this.#unheard.push({ after: this.#ahead.length, tell });
        this.#tell();
    }

    /** Tells Strophe what it may hear: what answers something, after it has said that. */
    #tell() {
        while (this.#joined && this.#unheard[0]?.after <= this.#repeated) this.#unheard.shift()?.tell();
    }
}

/**
 * Begins a stream, where it would be one over WebSocket by the site's cookie.
 * @param {import('../types.js').ChatConfig} config
 */
export function beginStream(config) {
    if (config.login !== 'session' || !transport.wantsWebSocket(config) || !navigator.onLine) return null;
    const url = location.origin.replace(/^http/, 'ws') + config.websocketURL;
    return new EarlySocket(url, { domain: config.domain, jid: config.jid.toLowerCase() });
}

/**
 * Lets Strophe's first attempt take a stream that has begun, if that is still open.
 * @param {EarlySocket | null} socket
 */
// Patch: early-stream
export function joinStream(socket) {
    if (!socket) return;
    const { prototype } = window.converse.env.Strophe.Websocket;
    const { _connect } = prototype;
    /** @this {Converse.Websocket} */
    prototype._connect = function () {
        prototype._connect = _connect;
        if (socket.readyState > WebSocket.OPEN) return _connect.call(this);
        this._closeSocket();
        this.socket = socket;
        socket.onopen = () => this._onOpen();
        socket.onmessage = (event) => this._onInitialMessage(event);
        socket.onerror = (event) => this._onError(event);
        socket.onclose = (event) => this._onClose(event);
        socket.join();
    };
}
