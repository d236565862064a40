// Up to where each conversation was read, the same on every device (XEP-0490): told when
// something was read here, taken from the others, and from the site, which counts what is
// unread where this browser was not there (app/conversations.go). What is unread in rooms
// that are followed, list/follow.js counts.

import { serverUnread, inOrder } from './serverUnread.js';
import { isSaid } from '../history/newMessages.js';
import { keepInTab } from '../connection/tabStore.js';
import { goesBy } from '../messages/versions.js';
import { isDeleted, isRoom, unreadOf } from '../boxes.js';

const NODE = 'urn:xmpp:mds:displayed:0';
const PRIVATE = { persist_items: 'true', max_items: 'max', send_last_published_item: 'never', access_model: 'whitelist' };
const PUBLISH_DELAY_MS = 300; // so that reading on is told once
const MAX_LOOKBACK = 50; // messages that are looked at for the one that another device read

/** Whether a message comes after another one; ids of other servers say nothing of their order. */
function isAfter(box, key, id, other) {
    if (!id || !other || id === other) return Boolean(id) && id !== other;
    if (inOrder(id) && inOrder(other)) return id > other;
    const at = (wanted) => box.messages.models.findIndex((message) => goesBy(message, key, wanted));
    return at(id) > at(other);
}

/** The counts of a conversation, as Converse keeps them. */
function setUnread(box, count, mentioned = box.get('num_unread') ?? 0) {
    box.save(isRoom(box) ? { num_unread_general: count, num_unread: Math.max(0, Math.min(mentioned, count)) } : { num_unread: count });
}

/** When Converse has taken all that came: while it takes a message, that is there and not counted yet. */
async function taken(box) {
    await box.messages.fetched;
    for (let chain; chain !== box.msg_chain; ) {
        chain = box.msg_chain;
        await chain;
    }
}

/**
 * What was read and the others do not know yet, by conversation: kept with the tab, whose
 * page may go away before it is told, and before the browser has kept it.
 */
class Untold {
    /** @param {string} user */
    constructor(user) {
        this.key = `foyer-read-${user}`;
        /** @type {Map<string, string>} */
        this.ids = new Map(Object.entries(JSON.parse(sessionStorage.getItem(this.key) ?? '{}')));
    }
    add(jid, id) {
        this.ids.set(jid, id);
        this.keep();
    }
    told(jid, id) {
        if (this.ids.get(jid) === id) this.ids.delete(jid);
        this.keep();
    }
    keep() {
        keepInTab(this.key, JSON.stringify(Object.fromEntries(this.ids)));
    }
}

/** The conversations of one page, and up to where they were read. */
export class Markers {
    /**
     * @param {Converse.Private} _converse
     * @param {import('../types.js').ChatConfig} config
     */
    constructor(_converse, config) {
        this._converse = _converse;
        this.config = config;
        this.untold = new Untold(config.user);
        /** Up to where conversations were read, as far as this page learnt it, also those that are not in this browser. @type {Map<string, string>} */
        this.known = new Map(this.untold.ids);
        /** @type {Promise<void>} when what the server keeps of that is known, where it was asked */
        this.asked = Promise.resolve();
        /** @type {Map<string, ReturnType<typeof setTimeout>>} */
        this.timers = new Map();
        /** @type {ReturnType<typeof setTimeout> | undefined} */
        this.asking = undefined;
    }

    get boxes() {
        return (this._converse.state.chatboxes?.models ?? []).filter((box) => this.has(box));
    }
    has(box) {
        return ['chatbox', 'chatroom'].includes(box?.get('type'));
    }
    box(jid) {
        const box = this._converse.state.chatboxes?.get(jid);
        return this.has(box) ? box : undefined;
    }
    /** Who gives a conversation's messages their ids: the room, or one's own account (XEP-0359). */
    giver(jid) {
        return jid.endsWith(`@${this.config.roomsDomain}`) ? jid : this._converse.session.get('bare_jid');
    }
    key(box) {
        return `stanza_id ${this.giver(box.get('jid'))}`;
    }
    isAfter(box, id, other) {
        return isAfter(box, this.key(box), id, other);
    }

    /** How many messages of others in the browser come after one, and not after another. */
    countAfter(box, id, upTo = '') {
        const key = this.key(box);
        return box.messages.models.filter((message) => {
            const own = message.get(key);
            return isSaid(message) && message.get('sender') === 'them' && message.get('body') && !isDeleted(message) && own && this.isAfter(box, own, id) && !(upTo && this.isAfter(box, own, upTo));
        }).length;
    }

    /** Up to where a conversation was read, here or elsewhere. */
    readId(box) {
        const here = this.untold.ids.get(box.get('jid'));
        const kept = box.get('read_id');
        return here && this.isAfter(box, here, kept) ? here : kept;
    }

    /** Whether a message does not come after the one with an id, as far as that is known. */
    isUpTo(box, message, id) {
        const own = message.get(this.key(box));
        return Boolean(own && id) && !this.isAfter(box, own, id);
    }

    isRead(box, message) {
        return this.isUpTo(box, message, this.readId(box));
    }

    /** Whether a message of this site's own archive was read, by its id; its conversation need not be in this browser. */
    wasRead(jid, id) {
        return [this.known.get(jid), this.box(jid)?.get('read_id')].some((read) => read >= id);
    }

    /** Notes up to where a conversation was read; false: that much was known. */
    learn(jid, id) {
        const known = this.known.get(jid);
        if (known && (known === id || (inOrder(known) && inOrder(id) && known > id))) return false;
        this.known.set(jid, id);
        return true;
    }

    /** Whether the site has counted a message. */
    isCounted(box, message) {
        return this.isUpTo(box, message, serverUnread.of(box.get('jid')).upTo);
    }

    /** What was in sight was read: the others are told, a moment later. */
    note(box) {
        const key = this.key(box);
        const seen = box.get('seen_until');
        const last = box.messages.models.findLast((message) => isSaid(message) && message.get(key) && message.get('time') <= seen)?.get(key);
        if (!last || !this.isAfter(box, last, this.readId(box))) return;
        tellWriter(box, seen);
        const jid = box.get('jid');
        box.save({ read_id: last });
        this.learn(jid, last);
        this.untold.add(jid, last);
        if (!this.timers.has(jid)) this.timers.set(jid, setTimeout(() => this.tell(jid), PUBLISH_DELAY_MS));
    }

    async tell(jid) {
        this.timers.delete(jid);
        const { api } = this._converse;
        const id = this.untold.ids.get(jid);
        if (!id || !api.connection.connected()) return; // it is told when the stream is back
        const { stx } = window.converse.env;
        const item = stx`<item id="${jid}"><displayed xmlns="${NODE}"><stanza-id xmlns="urn:xmpp:sid:0" by="${this.giver(jid)}" id="${id}"/></displayed></item>`;
        try {
            const further = this.config.countsUnread ? '' : await this.#readFurther(jid, id);
            if (further) this.take(jid, further);
            else await api.pubsub.publish(null, NODE, item, PRIVATE, false);
            this.untold.told(jid, id);
        } catch (cause) {
            console.warn('The other devices were not told what was read.', cause);
        }
    }

    /**
     * What the server keeps of that. @param {string} [jid] of one conversation alone
     * @returns {Promise<Map<string, string>>} ids of messages, by conversation
     */
    async published(jid) {
        const { stx } = window.converse.env;
        const item = jid ? stx`<item id="${jid}"/>` : '';
        const query = stx`<iq xmlns="jabber:client" type="get"><pubsub xmlns="http://jabber.org/protocol/pubsub"><items node="${NODE}">${item}</items></pubsub></iq>`;
        const answer = await this._converse.api.sendIQ(query, undefined, false);
        if (!answer) throw new Error('The server does not say what was read.');
        return new Map(markersIn(answer));
    }

    /**
     * What another device has told of, if that is more. A browser that wakes does not know it yet, and what is published
     * takes the place of what was: only the site's own server keeps what is later (XEP-0490 §5.1).
     */
    async #readFurther(jid, id) {
        const other = (await this.published(jid)).get(jid);
        if (!other || other === id) return '';
        if (inOrder(other) && inOrder(id)) return other > id ? other : '';
        const box = this.box(jid);
        const isHere = box?.messages.models.some((message) => goesBy(message, this.key(box), other));
        return (isHere ? this.isAfter(box, other, id) : await this.#comesAfter(jid, other, id)) ? other : '';
    }

    /** Whether a message that this browser does not have comes after another, as the archive has it. */
    async #comesAfter(jid, other, id) {
        const { messages, complete, error } = await this._converse.api.archive.query({ is_groupchat: this.giver(jid) === jid, mam: { with: jid }, rsm: { after: id, max: MAX_LOOKBACK } });
        if (error) throw error;
        return !complete || messages.some((message) => message.querySelector('result')?.getAttribute('id') === other);
    }

    /** Tells what could not be told before. */
    tellAll() {
        for (const jid of this.untold.ids.keys()) this.tell(jid);
    }

    /** A conversation was read on another device. */
    async take(jid, id) {
        serverUnread.read(jid, id);
        if (this.learn(jid, id)) document.dispatchEvent(new CustomEvent('foyer:read', { detail: jid }));
        const box = this.box(jid);
        if (!box) return;
        await taken(box);
        if (!this.isAfter(box, id, this.readId(box))) return;
        const seen = box.messages.models.find((message) => goesBy(message, this.key(box), id))?.get('time');
        box.save({ read_id: id, ...(seen > (box.get('seen_until') ?? '') && { seen_until: seen }) });
        const left = this.countAfter(box, id);
        if (left < unreadOf(box)) setUnread(box, left);
    }

    /** Whether a message is the one up to which something was read or counted, where ids stand in no order: only with it is known what comes after. */
    ends(box, message) {
        const jid = box.get('jid');
        const own = message.get(this.key(box));
        return Boolean(own) && !inOrder(own) && [this.known.get(jid), serverUnread.of(jid).upTo].includes(own);
    }

    /** Counts again what is in the browser now. */
    async recount(box) {
        const jid = box.get('jid');
        const known = this.known.get(jid);
        if (known) await this.take(jid, known);
        await this.apply(box);
    }

    /** Takes what the site counted, and what came after that; of a room that nobody counted, what came after the message that was read, if one was. */
    async apply(box) {
        const jid = box.get('jid');
        const { upTo, read } = serverUnread.of(jid);
        const isUncounted = isRoom(box) && !this.config.countsUnread;
        if (!upTo && !isUncounted) return;
        await taken(box);
        const known = upTo ? read : this.known.get(jid);
        if (known && this.isAfter(box, known, this.readId(box))) box.save({ read_id: known });
        const here = this.readId(box);
        if (!upTo && !here) return;
        const count = box.isHidden() ? this.countedBefore(box) + this.countAfter(box, this.laterOf(box, upTo, here)) : 0;
        if (count !== unreadOf(box)) setUnread(box, count);
    }

    /**
     * What was deleted is not unread. What came while the page was there was counted here; the rest the site or the
     * archive counted, and are asked again between people.
     */
    deleted(box, message) {
        if (message.get('sender') !== 'them' || !isDeleted(message) || isDeleted({ get: (name) => message.previous(name) })) return; // the archive tells it once more
        if (!isRoom(box)) this.#askAgain();
        const isSeen = this.isRead(box, message) || message.get('time') <= (box.get('seen_until') ?? '');
        if (isSeen || message.get('is_archived') || !message.get('body') || !unreadOf(box)) return;
        setUnread(box, unreadOf(box) - 1, (box.get('num_unread') ?? 0) - Number(isRoom(box) && box.isUserMentioned(message)));
    }

    /** Once for all that is deleted until then. */
    #askAgain() {
        this.asking ??= setTimeout(() => {
            this.asking = undefined;
            document.dispatchEvent(new CustomEvent('foyer:deleted'));
        }, PUBLISH_DELAY_MS);
    }

    laterOf(box, id, other) {
        return other && this.isAfter(box, other, id) ? other : id;
    }

    /** What is unread of what the site counted: some may have been read since. */
    countedBefore(box) {
        const { upTo, read, unread } = serverUnread.of(box.get('jid'));
        const here = this.readId(box);
        if (!here || here === read) return unread;
        return this.isAfter(box, upTo, here) ? Math.min(unread, this.countAfter(box, here, upTo)) : 0;
    }
}

/** Ids of conversations and messages in what the node holds. @param {Element} element @returns {Generator<[string, string]>} */
function* markersIn(element) {
    for (const item of element.querySelectorAll('items item')) {
        const id = item.querySelector('displayed stanza-id')?.getAttribute('id');
        if (id) yield [item.getAttribute('id') ?? '', id];
    }
}

/** What was read, here or elsewhere, and what the site has counted is not counted again; nor is what was edited (XEP-0308). */
function countWhatIsUnread({ exports }, markers) {
    for (const { prototype } of [exports.ChatBox, exports.MUC]) {
        const { incrementUnreadMsgsCounter } = prototype;
        // Patch: counted-once
        prototype.incrementUnreadMsgsCounter = function (message) {
            if (message.get('replace_id')) return;
            if (!markers.has(this) || !(markers.isRead(this, message) || markers.isCounted(this, message))) incrementUnreadMsgsCounter.call(this, message);
        };
    }
}

/** Takes what the others tell, and tells them what could not be told before. */
function hearOthers(_converse, config, markers) {
    const { api } = _converse;
    api.listen.on('addClientFeatures', () => api.disco.own.features.add(`${NODE}+notify`));
    const take = (ids) => {
        for (const [jid, id] of ids) markers.take(jid, id);
        return true;
    };
    /** What was read while this browser was away, where the site does not know it. */
    const ask = async () => take(await markers.published());
    const listen = () => {
        const { Strophe } = window.converse.env;
        const own = _converse.session.get('bare_jid');
        api.connection.get().addHandler(
            (message) => (Strophe.getBareJidFromJid(message.getAttribute('from') ?? own) === own && message.querySelector(`items[node="${NODE}"]`) ? take(markersIn(message)) : true),
            null, 'message', 'headline',
        );
        markers.tellAll();
        if (!config.countsUnread) markers.asked = ask().catch(() => {}); // it keeps none, or is away
    };
    api.listen.on('connected', listen);
    api.listen.on('reconnected', listen);
}

/**
 * @param {Converse.Private} _converse
 * @param {import('../types.js').ChatConfig} config
 * @param {Promise<unknown>} restored when what this browser had counted is known again
 * @returns {Markers}
 */
export function syncReadMarkers(_converse, config, restored) {
    const { api } = _converse;
    const markers = new Markers(_converse, config);
    countWhatIsUnread(_converse, markers);
    hearOthers(_converse, config, markers);

    const applyAll = () => restored.then(() => markers.boxes.forEach((box) => markers.apply(box)));
    api.waitUntil('chatBoxesFetched').then(applyAll);
    document.addEventListener('foyer:conversations', (event) => {
        serverUnread.tell(event.detail);
        if (_converse.state.chatboxes) applyAll();
    });
    // What the archive brings Converse does not count, although it may be new: something said
    // while the page was loaded can come that way first. And what was read can be known before
    // it is here.
    const counting = new WeakSet();
    const follow = (box) => {
        if (!markers.has(box)) return;
        box.messages?.on('change:retracted change:moderated', (message) => markers.deleted(box, message));
        box.messages?.on('add', (message) => {
            if (message.get('dangling_retraction')) markers.deleted(box, message); // of a message that this browser does not have
            if (counting.has(box)) return;
            if (!message.get('is_archived') && !markers.ends(box, message)) return;
            counting.add(box);
            restored.then(() => setTimeout(() => {
                counting.delete(box);
                markers.recount(box);
            }, PUBLISH_DELAY_MS));
        });
    };
    api.listen.on('chatBoxInitialized', follow);
    api.listen.on('chatRoomInitialized', follow);
    api.listen.on('chatBoxesInitialized', () => {
        _converse.state.chatboxes.on('change:seen_until', (box) => markers.has(box) && markers.note(box));
        _converse.state.chatboxes.on('add', (box) => markers.has(box) && restored.then(() => markers.apply(box)));
    });
    return markers;
}

/**
 * Tells who wrote something that it was read (XEP-0333 §4), if the archive brought it to a conversation that is open: of
 * what comes otherwise Converse tells.
 */
function tellWriter(box, seen) {
    const theirs = box.messages.models.findLast((message) => message.get('sender') === 'them' && message.get('time') <= seen);
    if (!isRoom(box) && theirs?.get('is_archived')) box.sendMarkerForMessage(theirs);
}
