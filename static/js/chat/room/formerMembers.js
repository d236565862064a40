// Who has left a room goes on to be seen beside what they said, and to have a card. Converse asks
// the room for their picture, which answers for those who are there (XEP-0045 §17.4). The site knows
// who said a message of its archive, and tells as far as the room shows whose account somebody is.

import { pictureOf } from '../people/people.js';

/** @typedef {{jid: string, name: string, picture?: string, standing: string}} Author */

/** Who said something, by room and author, the oldest first: the site is asked once for each. @type {Map<string, Promise<Author | null>>} */
const authors = new Map();
const MAX_KNOWN = 500;

/**
 * Who said a message of a room; null if that is not told.
 * @param {Converse.Room} room
 * @param {Converse.Model} message
 * @param {boolean} [again] whether it is asked again: what somebody is in a room changes
 * @returns {Promise<Author | null>}
 */
export function authorOf(room, message, again = false) {
    const jid = room.get('jid');
    const id = message.get(`stanza_id ${jid}`);
    if (!id) return Promise.resolve(null);
    const key = [jid, message.get('occupant_id'), message.get('nick')].join(' ');
    const known = authors.get(key);
    if (known && !again) return known;
    const asked = ask(`/xmpp/rooms/${encodeURIComponent(jid.split('@')[0])}/people?${new URLSearchParams({ said: id })}`).catch(() => {
        authors.delete(key); // another time
        return null;
    });
    authors.set(key, asked);
    if (authors.size > MAX_KNOWN) authors.delete(authors.keys().next().value ?? '');
    return asked;
}

async function ask(path) {
    const answer = await fetch(path, { headers: { Accept: 'application/json' }, cache: 'no-store' });
    if (answer.status >= 500) throw new Error(String(answer.status));
    const { people = [] } = answer.ok ? await answer.json() : {};
    return people[0] ?? null;
}

const isOfOthers = (message) => message?.get('type') === 'groupchat' && message.get('sender') === 'them';

/** Whose picture it is, where that is somebody in a room, also beside what they say in private (XEP-0045 §7.5). */
const occupantOf = (model) => [model, model?.get('sender') === 'them' && model.collection?.chatbox].find((of) => of?.collection?.chatroom);

/** In which room it is said, or somebody is, of whom a picture is; nothing of other pictures. */
const roomOf = (model) => occupantOf(model)?.collection.chatroom ?? (isOfOthers(model) ? model.collection?.chatbox : undefined);

/** What the same person said to all there, by which the site knows them. */
function saidToAll(model) {
    const occupant = occupantOf(model);
    if (!occupant) return model;
    const id = occupant.get('occupant_id'); // names change hands
    return id && roomOf(model).messages?.models.findLast((each) => isOfOthers(each) && each.get('occupant_id') === id);
}

/** Whether the room was asked for a picture in vain. Converse keeps that, and does not ask again. */
const isUnknown = ({ vcard }) => Boolean(vcard?.get('vcard_error')) && !pictureOf(vcard);

/** Asks for the picture of somebody who has come, if that was asked in vain while they were away (XEP-0045 §17.4). */
function askOnceHere(_converse, occupant) {
    if (occupant.get('presence') !== 'online') return;
    const card = _converse.state.vcards?.get(occupant.get('from'));
    if (card?.get('error') !== 'item-not-found') return;
    card.save({ error: null, vcard_error: null });
    _converse.api.vcard.update(card, true);
}

/** @param {Converse.Private} _converse @param {import('../types.js').ChatConfig} config */
export function showWhoLeft(_converse, config) {
    const { api } = _converse;
    // Patch: asked-once-here
    api.listen.on('chatRoomInitialized', (room) => room.occupants.on('add change:presence', (occupant) => askOnceHere(_converse, occupant)));
    if (!config.follow) return; // another chat server does not tell the site
    const { html } = window.converse.env;
    const Avatar = api.elements.registry['converse-avatar'];
    // Patch: left-pictures
    api.elements.define('converse-avatar', class extends Avatar {
        initialize() {
            super.initialize();
            this.requestUpdate();
        }

        render() {
            const { model } = this;
            if (!roomOf(model)) return super.render();
            this.follow(model);
            if (!isUnknown(model)) return super.render();
            if (this.asked !== model) this.learn(model);
            if (!this.picture) return super.render();
            return html`<svg class="avatar" width=${this.width} height=${this.height} role="img" aria-label=${this.name}><image width=${this.width} height=${this.height} href=${this.picture}></image></svg>`;
        }

        follow(model) {
            if (this.followed) this.stopListening(this.followed);
            this.followed = model;
            this.listenTo(model, 'vcard:add vcard:change', () => this.requestUpdate());
        }

        async learn(model) {
            this.picture = undefined;
            const said = saidToAll(model);
            if (!said) return; // it may come
            this.asked = model;
            const author = await authorOf(roomOf(model), said);
            if (this.asked !== model || !author?.picture) return;
            this.picture = author.picture;
            this.requestUpdate();
        }
    });
}
