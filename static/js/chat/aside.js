// Who is written to in private within a room (privately.js). Whoever writes to somebody else, or to all
// there, goes on with that: what they type is for whom they began it. Who wrote to them stands above the field.

import { byId } from '../dom.js';
import { focusConversation } from './composer.js';

/** Who wrote, and is not shown yet. @type {WeakSet<Converse.Occupant>} */
const waiting = new WeakSet();

/** The room of a conversation with all there, or with one of them. */
const roomOf = (model) => model.collection?.chatroom ?? model;

/** Opens the conversation with somebody in a room whose account is not known. */
export function openPrivately(room, occupant) {
    waiting.delete(occupant);
    room.save({ sidebar_view: `occupant:${occupant.id}`, hidden_occupants: false });
    room.trigger('aside');
}

/** The same, unless somebody writes something else in the room. */
export function openUnlessWriting(room, occupant) {
    const form = /** @type {any} */ (document.activeElement?.closest('converse-muc-message-form'));
    if (!form || form.model === occupant || roomOf(form.model) !== room || (form.model === room && !form.textarea.value)) return openPrivately(room, occupant);
    waiting.add(occupant);
    room.trigger('aside');
}

/** Opens it for who asked for that, with the focus where they write. */
function show(room, occupant) {
    openPrivately(room, occupant);
    requestAnimationFrame(() => focusConversation(byId('chat'), room.get('jid')));
}

/** Draws a composer anew when others wait, or do no more. */
export const followWaiting = (form) => form.listenTo(roomOf(form.model), 'aside', () => form.requestUpdate());

/** Who waits, above the composer of a conversation. */
export function showWaiting(model) {
    const { html } = window.converse.env;
    const room = roomOf(model);
    const others = room.occupants?.filter((each) => each !== model && waiting.has(each));
    return others && html`<div role="status">${others.map((each) => html`<p class="composer-note"><span><bdi>${each.getDisplayName()}</bdi> wrote to you in private</span>
        <button type="button" @click=${() => show(room, each)}>Show</button></p>`)}</div>`;
}
