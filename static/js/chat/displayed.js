// How far one has read in rooms, told to one's other devices and to the site, which counts
// what is unread by it (XEP-0490).

import { panel } from './panel.js';

export const NODE = 'urn:xmpp:mds:displayed:0';

const TELL_AFTER = 400; // ms, so that many messages at once are told once

const isRoom = (box) => box.get('type') === 'chatroom';
const inSight = (box) => panel.visible() && !document.hidden && !box.get('closed') && box.isHidden?.() === false;

/** The id in the room's archive of the latest message that is there. */
function latestID(box) {
    const key = `stanza_id ${box.get('jid')}`;
    return box.messages?.models.findLast((message) => message.get(key))?.get(key);
}

/** Ids in an archive are in its order (RFC 9562 §6.11). */
export const isAfter = (id, other) => !other || id.toLowerCase() > other.toLowerCase();

export class Displayed {
    /** @type {Record<string, string>} how far each room is read, by its address */
    #upTo;
    /** @type {WeakMap<any, ReturnType<typeof setTimeout>>} */
    #waiting = new WeakMap();

    /**
     * @param {Converse.Private} _converse
     * @param {string} user
     */
    constructor(_converse, user) {
        this.api = _converse.api;
        this.key = `foyer-displayed-${user}`; // a page may go away before its marker is there
        this.#upTo = JSON.parse(sessionStorage.getItem(this.key) ?? '{}');
        const { api } = _converse;
        const all = () => _converse.state.chatboxes?.models.filter(isRoom).forEach((box) => this.#look(box));
        api.listen.on('chatRoomInitialized', (box) => {
            if (!box.messages) return;
            const look = () => this.#look(box);
            box.messages.on('add', look);
            box.messages.fetched?.then(look);
            box.on('change:hidden change:closed', look);
        });
        document.addEventListener('foyer:chat-shown', all);
        document.addEventListener('foyer:page', all);
        document.addEventListener('visibilitychange', all);
    }

    /** Whether a message of a room was in sight, on this device or, as far as is known, another. */
    has(jid, id) {
        return Boolean(this.#upTo[jid]) && !isAfter(id, this.#upTo[jid]);
    }

    /** Notes how far a room is read; false: that was known. */
    note(jid, id) {
        if (!isAfter(id, this.#upTo[jid])) return false;
        this.#upTo[jid] = id;
        sessionStorage.setItem(this.key, JSON.stringify(this.#upTo));
        return true;
    }

    #look(box) {
        if (this.#waiting.has(box) || !inSight(box)) return;
        const tell = () => {
            this.#waiting.delete(box);
            const id = inSight(box) && latestID(box);
            if (id && this.note(box.get('jid'), id)) this.#tell(box.get('jid'), id);
        };
        this.#waiting.set(box, setTimeout(tell, TELL_AFTER));
    }

    /** XEP-0490 §3: an item for each conversation, for oneself alone. */
    #tell(jid, id) {
        const { stx } = window.converse.env;
        const item = stx`<item id="${jid}"><displayed xmlns="${NODE}"><stanza-id xmlns="urn:xmpp:sid:0" by="${jid}" id="${id}"/></displayed></item>`;
        const options = { persist_items: true, max_items: 'max', send_last_published_item: 'never', access_model: 'whitelist' };
        this.api.pubsub.publish(null, NODE, item, options).catch((cause) => console.warn('The other devices were not told what was read.', cause));
    }
}
