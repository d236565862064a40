// Puts the site's composer in the place of Converse's, and takes files that are dropped
// anywhere on a conversation.

import { around, byId } from '../../dom.js';
import { drafts } from './drafts.js';
import { withComposer } from './form.js';
import { sendWithContext } from './sendContext.js';
import { resumeOnReconnect, queueOf } from './queue.js';
import { stayAboveKeyboard } from './keyboard.js';

const CONVERSATION = 'converse-chat, converse-muc';

/**
 * @param {Converse.Private} _converse
 * @param {import('../types.js').ChatConfig} config
 */
export function installComposer(_converse, config) {
    const { api, exports } = _converse;
    drafts.open(config.jid);
    // Patch: composer
    for (const name of ['converse-message-form', 'converse-muc-message-form']) api.elements.define(name, withComposer(_converse, api.elements.registry[name]));
    sendWithContext(_converse);
    // However files come, they are shown before they are sent.
    for (const { prototype } of [exports.ChatBox, exports.MUC, exports.MUCOccupant]) {
        // Patch: files-shown
        prototype.sendFiles = async function (files) {
            queueOf(_converse, this).choose([...files]);
        };
    }
    resumeOnReconnect(_converse);
    takeDropped(_converse);
    stayAboveKeyboard();
}

/** Whether a pointer carries files, and not over a field for files of the page's own. */
const carries = (event) => event.dataTransfer?.types.includes('Files') && !around(event, 'input[type="file"]');

/** The conversation under it, if it has a composer. */
function below(event) {
    const view = around(event, CONVERSATION);
    return view?.querySelector('.chat-message-form') ? view : null;
}

/** What is dropped beside a conversation is nobody's: browsers would leave the site for it. @param {Converse.Private} _converse */
function takeDropped(_converse) {
    const chat = byId('chat');
    const mark = (view) => {
        for (const each of chat.querySelectorAll('.takes-files')) if (each !== view) each.classList.remove('takes-files');
        view?.classList.add('takes-files');
    };
    window.addEventListener('dragover', (event) => {
        if (!carries(event)) return mark(null);
        const view = below(event);
        event.preventDefault();
        if (!view && event.dataTransfer) event.dataTransfer.dropEffect = 'none';
        mark(view);
    });
    chat.addEventListener('dragleave', (event) => event.relatedTarget instanceof Node && chat.contains(event.relatedTarget) ? undefined : mark(null));
    window.addEventListener('drop', (event) => {
        mark(null);
        if (!carries(event)) return;
        event.preventDefault();
        const view = below(event);
        if (!view) return;
        const box = _converse.state.chatboxes.get(view.getAttribute('jid') ?? '');
        if (box) queueOf(_converse, box).choose(event.dataTransfer?.files ?? []);
        /** @type {HTMLElement | null} */ (view.querySelector('.chat-textarea'))?.focus();
    });
}
