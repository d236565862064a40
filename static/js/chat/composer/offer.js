// Puts the site's composer in the place of Converse's, and takes files that are dropped
// anywhere on a conversation.

import { around, byId } from '../../dom.js';
import { drafts } from './drafts.js';
import { withComposer } from './form.js';
import { sendAsMeant } from './meant.js';
import { goOnWhenBack, queueOf } from './queue.js';
import { stayAboveKeyboard } from './keyboard.js';

const CONVERSATION = 'converse-chat, converse-muc';

/**
 * @param {Converse.Private} _converse
 * @param {import('../types.js').ChatConfig} config
 */
export function offerComposer(_converse, config) {
    const { api, exports } = _converse;
    drafts.open(config.jid);
    // Patch: composer
    for (const name of ['converse-message-form', 'converse-muc-message-form']) api.elements.define(name, withComposer(_converse, api.elements.registry[name]));
    sendAsMeant(_converse);
    // However files come, they are shown before they are sent.
    for (const { prototype } of [exports.ChatBox, exports.MUC, exports.MUCOccupant]) {
        // Patch: files-shown
        prototype.sendFiles = async function (files) {
            queueOf(_converse, this).choose([...files]);
        };
    }
    goOnWhenBack(_converse);
    takeDropped(_converse);
    stayAboveKeyboard();
}

/** The conversation under a pointer that carries files, if it has a composer. */
function below(event) {
    if (!event.dataTransfer?.types.includes('Files')) return null;
    const view = around(event, CONVERSATION);
    return view?.querySelector('.chat-message-form') ? view : null;
}

function takeDropped(_converse) {
    const chat = byId('chat');
    const mark = (view) => {
        for (const each of chat.querySelectorAll('.takes-files')) if (each !== view) each.classList.remove('takes-files');
        view?.classList.add('takes-files');
    };
    chat.addEventListener('dragover', (event) => {
        const view = below(event);
        if (view) event.preventDefault();
        mark(view);
    });
    chat.addEventListener('dragleave', (event) => event.relatedTarget instanceof Node && chat.contains(event.relatedTarget) ? undefined : mark(null));
    chat.addEventListener('drop', (event) => {
        const view = below(event);
        mark(null);
        if (!view) return;
        event.preventDefault();
        const box = _converse.state.chatboxes.get(view.getAttribute('jid') ?? '');
        if (box) queueOf(_converse, box).choose(event.dataTransfer?.files ?? []);
        /** @type {HTMLElement | null} */ (view.querySelector('.chat-textarea'))?.focus();
    });
}
