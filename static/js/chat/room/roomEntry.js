// Entering rooms: under the person's name of the site, and when a room says no, with
// what it says. Converse would enter under a name that it kept from before, and shows
// "Loading…" for ever on a refusal that it does not know.

import { isEnded } from './roomEnd.js';

const NOT_NOW = 'You cannot enter this room right now.';
const NAME_REFUSED = 'The room did not accept your new name.';

const JOIN_TIMEOUT_MS = 15_000; // ms that a room has to say that somebody is in it

// How many people of one name a room may have.
const MAX_NAMESAKES = 9;

// How long a name may be in a room, in characters (internal/names), and what a number takes of it.
const MAX_NICK_LENGTH = 64;
const NUMBER_LENGTH = ' (2)'.length;

/** How one of several people of a name is called. */
const numbered = (name, number) => `${[...name].slice(0, MAX_NICK_LENGTH - NUMBER_LENGTH).join('').trimEnd()} (${number})`;

const textOf = (presence) => presence.querySelector('error > text')?.textContent || null;

/** Whether that is what one of them is called. */
const isOneOf = (name, nick) => nick === name || nick === numbered(name, /\((\d)\)$/.exec(nick ?? '')?.[1]);

/** The next to try when somebody else of that name is in the room. */
function nextName(name, taken) {
    const number = taken === name ? 2 : Number(/ \((\d)\)$/.exec(taken)?.[1] ?? MAX_NAMESAKES) + 1;
    return number > MAX_NAMESAKES ? null : numbered(name, number);
}

/** Rooms that were left, each for good: who opens one again has another model of it. */
function roomsLeft(room) {
    const { close } = room;
    const left = new WeakSet();
    // Patch: left-meanwhile
    room.close = function (...rest) {
        left.add(this);
        return close.apply(this, rest);
    };
    return left;
}

/**
 * A room that does not say in time that one is in it is asked again. Its answer may be lost, as after a restart of the
 * server; Converse waits for it for ever, and shows nothing.
 * @param {Converse.Private} _converse
 */
function askAgain({ api, exports, state }) {
    const room = exports.MUC.prototype;
    const { join } = room;
    const isAwaited = (asked) => asked.session.get('connection_status') === window.converse.ROOMSTATUS.CONNECTING && state.chatboxes?.get(asked.get('jid')) === asked;
    /** How often each was asked: an answer is waited for from the last time. */
    const times = new WeakMap();
    // Patch: asked-again
    room.join = async function (...rest) {
        const time = (times.get(this) ?? 0) + 1;
        times.set(this, time);
        await join.apply(this, rest);
        setTimeout(() => times.get(this) === time && isAwaited(this) && api.connection.connected() && this.rejoin(), JOIN_TIMEOUT_MS);
    };
}

/**
 * @param {Converse.Private} _converse
 * @param {import('../types.js').ChatConfig} config
 */
export function enterRoomsByName(_converse, config) {
    const { api } = _converse;
    const room = _converse.exports.MUC.prototype;
    const { ENTERED, CONNECTING, CONNECTED } = window.converse.ROOMSTATUS;
    const { onErrorPresence, createInfoMessageFromPresence } = room;
    const left = roomsLeft(room);
    askAgain(_converse);
    let { name } = config;

    // Patch: room-name
    room.getAndPersistNickname = async function (nick) {
        if (left.has(this) || isEnded(this)) return ''; // Converse enters under a name, or not at all
        const chosen = nick || name;
        this.save({ nick: chosen }, { silent: true });
        return chosen;
    };
    // It tests whether there is a test of what is to be said, and says everything.
    // Patch: room-notes
    room.createInfoMessageFromPresence = function (code, ...attributes) {
        if (api.settings.get('muc_show_info_messages').includes(code)) createInfoMessageFromPresence.call(this, code, ...attributes);
    };
    // Patch: room-refusal
    room.onErrorPresence = function (presence) {
        const status = () => this.session.get('connection_status');
        if (status() === ENTERED) {
            this.createMessage({ message: textOf(presence) ?? NAME_REFUSED, type: 'error' });
            return;
        }
        const namesake = presence.querySelector('error > conflict') && nextName(name, this.get('nick'));
        if (namesake) {
            this.session.save({ connection_status: window.converse.ROOMSTATUS.DISCONNECTED }, { silent: true });
            this.join(namesake);
            return;
        }
        onErrorPresence.call(this, presence);
        if ([CONNECTING, CONNECTED].includes(status())) this.setDisconnectionState(NOT_NOW, textOf(presence));
    };

    const rename = (entered) => {
        if (entered.isEntered?.() && !isOneOf(name, entered.get('nick'))) entered.setNickname(name);
    };
    api.listen.on('chatRoomInitialized', rename);
    api.listen.on('enteredNewRoom', rename);
    document.addEventListener('foyer:page', ({ detail }) => {
        if (!detail?.name || detail.name === name) return;
        ({ name } = detail);
        api.settings.set('nickname', name);
        for (const box of _converse.state.chatboxes?.models ?? []) rename(box);
        refreshOwnCard();
    });

    // One's own card is what one's messages are signed with.
    const refreshOwnCard = async () => {
        const own = _converse.session.get('bare_jid');
        const card = _converse.state.vcards?.get(own);
        if (card && card.get('fullname') !== name) await api.vcard.update(own, true);
    };
    api.listen.on('connected', () => api.waitUntil('VCardsInitialized').then(refreshOwnCard));
}
