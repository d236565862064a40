// What a message answers, above it and, while one answers, above the field: in one line, in the
// words of the list of conversations, as it reads now. It leads to its place.

import { lineOf } from '../list/entries.js';
import { lineText } from '../list/row.js';
import { pinMark } from './messages.js';
import { jumpToMessage } from '../history/jumpToMessage.js';

/** A message of a conversation, in one line. */
const words = (chat, message) => {
    const line = lineOf(chat, message);
    return line ? lineText(line) : message.getMessageText() ?? '';
};

/** Draws an element again when the message that it shows is there, is edited or is taken back; an element that left the page listens to nothing. */
function follow(element, messages, message) {
    if (element.followed) element.stopListening(element.followed);
    element.followed = message ?? messages;
    element.listenTo(element.followed, message ? 'change' : 'add reset', () => element.requestUpdate());
}

/** The id that what is answered has in the archive, if the browser knows it. Rooms have answers name that one (XEP-0461 §3). */
function placeOf(_converse, chat, id, answered) {
    if (_converse.state.chatboxes.get(chat.get('jid')) !== chat) return undefined; // in private, within a room
    return chat.get('type') === 'chatroom' ? id : answered?.get(`stanza_id ${_converse.session.get('bare_jid')}`);
}

/** @param {Converse.Private} _converse */
function withQuote(_converse, Context) {
    const { html } = window.converse.env;
    return class extends Context {
        initialize() {
            super.initialize();
            this.listenTo(this.model, 'change', () => this.requestUpdate()); // it is pinned, or no more
            this.requestUpdate();
        }

        render() {
            const { model, model_with_messages: chat } = this;
            const id = model.get('reply_to_id');
            if (!id || !chat || model.isRetracted()) return '';
            const answered = this.getRepliedMessage();
            follow(this, chat.messages, answered);
            const at = placeOf(_converse, chat, id, answered);
            return html`${pinMark(model)}<button type="button" class="chat-msg__reply-context" ?disabled=${!at} @click=${() => jumpToMessage(_converse, chat.get('jid'), at)}>
                <converse-icon class="fa fa-reply" size="0.9em"></converse-icon>
                ${answered ? html`<span class="chat-msg__reply-sender" dir="auto">${answered.getDisplayName()}</span>` : ''}
                <span class="chat-msg__reply-text" dir="auto">${answered ? words(chat, answered) : 'An earlier message'}</span>
            </button>`;
        }
    };
}

function withPreview(_converse, Preview) {
    const { html } = window.converse.env;
    return class extends Preview {
        render() {
            if (!this.model.get('reply_to_id')) return '';
            const answered = this.getReplyToMessage();
            follow(this, this.model.messages, answered);
            const cancel = () => {
                this.cancelReply();
                this.closest('.chatbox')?.querySelector('.chat-textarea')?.focus(); // the button had it, and goes
            };
            return html`<div class="reply-preview">
                <div class="reply-preview__content">
                    <span class="reply-preview__sender">Replying to ${!answered ? 'an earlier message' : answered.get('sender') === 'me' ? 'yourself' : answered.getDisplayName()}</span>
                    <span class="reply-preview__text" dir="auto">${answered ? words(this.model, answered) : ''}</span>
                </div>
                <button type="button" class="reply-preview__cancel" title="Cancel reply" @click=${cancel}></button>
            </div>`;
        }
    };
}

/** @param {Converse.Private} _converse */
export function showQuotedMessages(_converse) {
    const { elements } = _converse.api;
    // Patch: answered
    elements.define('converse-reply-context', withQuote(_converse, elements.registry['converse-reply-context']));
    elements.define('converse-reply-preview', withPreview(_converse, elements.registry['converse-reply-preview']));
}
