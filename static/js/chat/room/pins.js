// Pinned messages of rooms: what moderators keep in sight of everybody (xmppd/muc/pins.go).
// They are asked for when a room is entered, and the room tells what changes. A server that
// has none of them says so by not announcing them, and then there are none to be seen.

import { parseSummary } from '../list/messageSummary.js';
import { timeOfUUID } from '../siteTime.js';
import { goesBy } from '../messages/versions.js';
import { reasonOf } from './affiliation.js';

const NODE = 'urn:foyer:pinned:0';
const PUBSUB = 'http://jabber.org/protocol/pubsub';
const EVENT = `${PUBSUB}#event`;

/**
 * @typedef {object} Pin
 * @property {string} id of the message, in the room's archive
 * @property {string} version id of what it says now: its own, or that of a correction
 * @property {string} by who pinned it
 * @property {string} at when, ISO 8601
 * @property {import('../list/entries.js').Line} line what the message says
 */

/** What is pinned, by room and by id. @type {WeakMap<object, Map<string, Pin>>} */
const known = new WeakMap();

/** Messages that are shown as pinned. */
const marked = new WeakSet();

/** @param {Element} item @returns {Pin | null} */
function pinOf(item) {
    const [pinned] = item.getElementsByTagNameNS(NODE, 'pinned');
    const said = pinned?.firstElementChild;
    const id = item.getAttribute('id');
    if (!said || !id) return null;
    const line = parseSummary(said);
    const at = pinned.getAttribute('stamp') ?? '';
    return { id, version: line.id, by: pinned.getAttribute('by') ?? '', at, line: { ...line, id, at: timeOfUUID(id) ?? at } };
}

/** Whether a room can have pinned messages. @param {Converse.Room} room */
export const canPin = (room) => Boolean(room.features?.get(NODE));

/** What is pinned in a room, the latest pin first. @param {Converse.Room} room @returns {Pin[]} */
export const pinsOf = (room) => [...(known.get(room)?.values() ?? [])].sort((a, b) => (a.at < b.at ? 1 : -1));

/** A room's pin of a message, if it has one. @returns {Pin | undefined} */
export function pinOfMessage(message) {
    const room = message.collection?.chatbox;
    const key = room && `stanza_id ${room.get('jid')}`;
    const id = key && message.get(key);
    if (!id) return undefined;
    const pins = known.get(room);
    return pins?.get(id) ?? (pins && [...pins.values()].find((pin) => goesBy(message, key, pin.id) || goesBy(message, key, pin.version))); // an edit of it was pinned
}

/** Whether one may pin messages of a room. @param {Converse.Room} room */
export const mayPin = (room) => canPin(room) && room.isEntered() && room.getOwnOccupant()?.get('role') === 'moderator';

/** Whether a message can be pinned: it is in the room's archive, and says something. */
export function isPinnable(message) {
    const room = message.collection?.chatbox;
    return message.get('type') === 'groupchat' && room?.get('type') === 'chatroom' && !message.isRetracted() && Boolean(message.get(`stanza_id ${room.get('jid')}`));
}

/** Shows what has changed: in the panel, above the conversation, at the messages. */
function changed(room) {
    room.trigger('foyer:pins', room);
    for (const message of room.messages.models) if (mark(message)) message.trigger('change', message); // it is drawn again, with its menu
}

/** Notes whether a message is pinned; true: that is new. */
function mark(message) {
    const pinned = Boolean(pinOfMessage(message));
    if (pinned === marked.has(message)) return false;
    if (pinned) marked.add(message);
    else marked.delete(message);
    return true;
}

/** Takes what the room tells of pins that are new, have changed, or are gone. @param {Map<string, Pin>} pins @param {Element} items */
function take(pins, items) {
    for (const item of items.children) {
        const pin = item.localName === 'item' ? pinOf(item) : null;
        if (pin) pins.set(pin.id, pin);
        else pins.delete(item.getAttribute('id') ?? '');
    }
}

/** What rooms told since they were asked, until they have answered. @type {WeakMap<object, Element[]>} */
const meanwhile = new WeakMap();

/** The room tells of its pins. @param {Converse.Room} room @param {Element} items */
function learn(room, items) {
    meanwhile.get(room)?.push(items);
    const pins = known.get(room);
    if (!pins) return; // they are asked for when the room is entered
    take(pins, items);
    changed(room);
}

/** Asks for what is pinned. @param {Converse.Api} api @param {Converse.Room} room */
async function load(api, room) {
    if (!canPin(room) || !room.isEntered()) return;
    /** @type {Element[]} */
    const told = [];
    meanwhile.set(room, told);
    const { stx } = window.converse.env;
    const query = stx`<iq to="${room.get('jid')}" type="get" xmlns="jabber:client"><pubsub xmlns="${PUBSUB}"><items node="${NODE}"/></pubsub></iq>`;
    const answer = await api.sendIQ(query, undefined, false);
    if (meanwhile.get(room) !== told) return; // it was asked again
    meanwhile.delete(room);
    const items = answer?.getAttribute('type') === 'result' && answer.getElementsByTagNameNS(PUBSUB, 'items')[0];
    if (!items) return;
    const pins = new Map();
    for (const each of [items, ...told]) take(pins, each);
    known.set(room, pins);
    changed(room);
}

/**
 * Pins a message of a room, or unpins it.
 * @param {Converse.Api} api
 * @param {Converse.Room} room
 * @param {string} id in its archive
 * @param {boolean} pin
 */
export async function setPinned(api, room, id, pin) {
    const { stx } = window.converse.env;
    const change = pin
        ? stx`<publish node="${NODE}"><item id="${id}"/></publish>`
        : stx`<retract node="${NODE}" notify="true"><item id="${id}"/></retract>`;
    try {
        await api.sendIQ(stx`<iq to="${room.get('jid')}" type="set" xmlns="jabber:client"><pubsub xmlns="${PUBSUB}">${change}</pubsub></iq>`);
    } catch (refusal) {
        api.alert('error', pin ? 'The message was not pinned' : 'The message is still pinned', [reasonOf(refusal)]);
    }
}

/** @param {Converse.Private} _converse */
export function followPins(_converse) {
    const { api } = _converse;
    const hear = (message) => {
        const [items] = message.getElementsByTagNameNS(EVENT, 'items');
        const room = items?.getAttribute('node') === NODE && _converse.state.chatboxes?.get(message.getAttribute('from') ?? '');
        if (room) learn(room, items);
        return true;
    };
    const listen = () => api.connection.get()?.addHandler(hear, EVENT, 'message', 'headline');
    api.listen.on('connected', listen);
    api.listen.on('reconnected', listen);
    api.listen.on('enteredNewRoom', (room) => load(api, room));
    // What was asked for on the stream before is not answered any more, and a stream that goes on enters no room.
    api.listen.on('reconnected', () => _converse.state.chatboxes?.models.filter((chat) => meanwhile.has(chat)).forEach((room) => load(api, room)));
    api.listen.on('chatRoomInitialized', (room) => {
        room.messages.on('add', mark);
        if (room.isEntered()) load(api, room); // its stream goes on
    });
}
