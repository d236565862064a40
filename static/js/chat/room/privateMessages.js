// A private message within a room (XEP-0045 §7.5), from an app that does not know whose
// account it writes to: its conversation opens beside that of the room, so that it is not
// missed, under a line as on top of any other, unless somebody writes something else there
// (privateRecipient.js). Pages write to people themselves.

import { openUnlessWriting } from './privateRecipient.js';
import { line } from '../header.js';

/** The conversation, with the person's name and picture in place of Converse's list of what the protocol knows of them. */
function privateConversation(Conversation) {
    return class extends Conversation {
        async initialize() {
            await super.initialize();
            if (!this.model) return this.closeSidebar(); // they have left, and their message with them
            this.listenTo(this.model, 'change:nick change:presence vcard:add vcard:change', () => this.requestUpdate());
            this.requestUpdate(); // the picture may have come meanwhile
        }

        /** Somebody else's takes the place of one's conversation whole: what shows that would go on with whom it was shown for. */
        willUpdate(changed) {
            super.willUpdate(changed);
            if (!this.model || this.model.id === this.occupant_id) return;
            this.stopListening();
            this.model = undefined; // nothing is drawn of it
            this.initialize();
        }

        render() {
            const { html } = window.converse.env;
            const { model, muc } = this;
            if (!model) return '';
            const back = html`<button type="button" class="btn chatbox-btn private-back" title="Back to the room" @click=${() => this.closeSidebar()}></button>`;
            const head = line(this, { picture: model, state: `In private, in ${muc.getDisplayName()}`, open: () => this.showOccupantModal(), back });
            return html`<div class="sidebar-occupant">
                <div class="chat-head">${head}</div>
                <div class="chat-body">
                    <div class="chat-content chat-content-sendbutton" aria-live="polite"><converse-chat-content .model=${model}></converse-chat-content></div>
                    <converse-occupant-bottom-panel .model=${model} .muc=${muc} class="bottom-panel"></converse-occupant-bottom-panel>
                </div>
            </div>`;
        }
    };
}

/** Gives a message the picture of its author. @param {Converse.Message} message @param {Converse.Occupant} author */
async function takeCard(message, author) {
    const vcard = await author.getVCard();
    message._vcard = vcard;
    message.trigger('vcard:add', { vcard });
    return vcard;
}

/** @param {Converse.Private} _converse */
export function showPrivateMessages({ api, exports }) {
    // Patch: private-messages
    api.listen.on('chatRoomInitialized', (room) => {
        room.occupants.on('change:num_unread', (occupant) => occupant.get('num_unread') > 0 && openUnlessWriting(room, occupant));
    });
    const message = exports.MUCMessage.prototype;
    const { getVCard } = message;
    // Patch: private-pictures
    message.getVCard = function () {
        const { chatbox } = this.collection ?? {};
        return this.get('sender') === 'them' && chatbox instanceof exports.MUCOccupant ? takeCard(this, chatbox) : getVCard.call(this);
    };
    const { registry } = api.elements;
    // Patch: private-heading
    api.elements.define('converse-muc-occupant', privateConversation(registry['converse-muc-occupant']));
    // Patch: private-narrow
    api.elements.define('converse-muc-chatarea', class extends registry['converse-muc-chatarea'] {
        viewportMediaQuery = matchMedia('not all'); // for which it closes what stands beside the room
    });
}
