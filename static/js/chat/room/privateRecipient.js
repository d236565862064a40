// Who is written to in private within a room (privateMessages.js). Whoever writes to somebody else, or to all
// there, goes on with that: what they type is for whom they began it. Who wrote to them stands above the field.

import { byId } from '../../dom.js';
import { focusConversation } from '../composer/composer.js';

/** Opens the conversation with somebody in a room whose account is not known. */
export function openPrivately(room, occupant) {
    occupant.set({ waits: false });
    room.save({ sidebar_view: `occupant:${occupant.id}`, hidden_occupants: false });
}

/** The same, unless somebody writes something else in the room. */
export function openUnlessWriting(room, occupant) {
    const { model, textarea } = /** @type {any} */ (document.activeElement?.closest('converse-muc-message-form') ?? {});
    const isWriting = model === room ? textarea.value : model !== occupant && model?.collection === room.occupants;
    if (isWriting) occupant.set({ waits: true });
    else openPrivately(room, occupant);
}

/** Opens it for who asked for that, with the focus where they write. */
function show(room, occupant) {
    openPrivately(room, occupant);
    requestAnimationFrame(() => focusConversation(byId('chat'), room.get('jid')));
}

/** Who waits, above the composer of a room, or of somebody there. @param {any} form */
export function showWaiting({ model }) {
    const { html } = window.converse.env;
    const { chatroom: room = model } = model.collection ?? {};
    return html`<div role="status">${room.occupants?.where({ waits: true }).map((each) => html`<p class="composer-note"><span><bdi>${each.getDisplayName()}</bdi> wrote to you in private</span>
        <button type="button" @click=${() => show(room, each)}>Show</button></p>`)}</div>`;
}
