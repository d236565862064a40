// What stands above the first message of a conversation: with whom it is, or what the room
// is about. It is drawn once it is known that there is nothing before it.

import { picture } from '../elements.js';
import { pictureOf } from '../people/people.js';
import { roomPanel } from '../room/roomPanel.js';

const BEGINS = 'begins_here'; // of a conversation, kept: what the browser has of it goes back to its first message
const EMPTY = 'nothing_said'; // of its view: the archive has nothing of it

/**
 * Whether an answer of the archive is the page that begins a conversation: all that there is before a message, or
 * before now (XEP-0313 §4.3, "complete").
 * @param {Converse.ArchiveQuery} query
 * @param {Converse.ArchivePage} page
 */
const isFirstPage = ({ rsm, mam }, { complete, error }) => rsm?.before !== undefined && !mam?.start && Boolean(complete) && !error;

/** Whether there is nowhere to ask: a room that keeps nothing of what is said. */
const keepsNothing = (model) => model.get('type') === 'chatroom' && model.isEntered() && !model.features.get('mam_enabled');

/** Whether the first of some messages is the first of the conversation. */
function beginsWith(model, messages) {
    if (keepsNothing(model)) return true;
    if (!model.messages.length) return Boolean(model.ui?.get(EMPTY));
    return Boolean(model.get(BEGINS)) && messages[0] === model.messages.models[0] && !messages[0].get('template_hook'); // nothing is missing before it
}

/** Notes of each conversation when its beginning is known. @param {Converse.Private} _converse */
function note(_converse) {
    const { api } = _converse;
    const { query } = api.archive;
    api.archive.query = async (options = {}) => {
        const result = await query(options);
        const chat = options.mam?.with && _converse.state.chatboxes.get(options.mam.with);
        if (chat && isFirstPage(options, result)) {
            chat.save({ [BEGINS]: true });
            if (!result.messages.length) chat.ui?.set(EMPTY, true); // draws it; else the messages do that as they come
        }
        return result;
    };
}

const ofPerson = (model, empty) => {
    const name = model.getDisplayName();
    return {
        entry: { name, picture: pictureOf(model.contact?.vcard ?? model.vcard), room: false },
        text: `This is the beginning of your conversation with ${name}.${empty ? ' Say hello!' : ''}`,
    };
};

function ofRoom(model, empty) {
    const name = model.getDisplayName();
    const who = model.features.get('membersonly') ? 'Only its members can read what is said here.' : 'Everybody on this site can join, and read what is said here.';
    return {
        entry: { name, room: true },
        text: `This is the beginning of ${name}. ${who}${empty ? ' Say the first word!' : ''}`,
        about: model.config.get('description'),
    };
}

function draw(model, empty) {
    const { html } = window.converse.env;
    const room = model.get('type') === 'chatroom';
    const { entry, text, about = '' } = room ? ofRoom(model, empty) : ofPerson(model, empty);
    return html`<div class="beginning">
        ${picture(entry)}
        <p class="beginning__name"><bdi>${entry.name}</bdi></p>
        ${about ? html`<p class="beginning__about"><bdi>${about}</bdi></p>` : ''}
        <p>${text}</p>
        ${room && model.isEntered() ? html`<button type="button" class="room-button" @click=${() => roomPanel.invite()}>Invite people</button>` : ''}
    </div>`;
}

/** @param {Converse.Private} _converse */
// Patch: beginnings
export function showBeginnings(_converse) {
    const { api } = _converse;
    const { html } = window.converse.env;
    note(_converse);
    const History = api.elements.registry['converse-message-history'];
    api.elements.define('converse-message-history', class extends History {
        render() {
            const { model, messages } = this;
            const begins = model && beginsWith(model, messages);
            return html`${begins ? draw(model, messages.length === 0) : ''}${super.render()}`; // what follows stays the same elements
        }
    });
}
