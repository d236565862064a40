// What the chat shows, as attributes that style sheets go by. They could look for it
// themselves, with :has(); but browsers then look through the whole chat, and compute
// styles again, for each message that is drawn (bench/README.md). e2e/look.spec.ts finds
// such rules.
//
//   #chat[data-conversation]               a conversation is open
//   #chat[data-login]                      the password is asked for
//   #chat[data-idle]                       neither, and one could be chosen
//   #chat[data-going]                      the address names one that is not there yet (conversation.js)
//   #chat[data-asks]                       a dialog of Converse's is above everything else
//   converse-muc[data-private]             a private conversation stands beside the room's

import { byId } from '../dom.js';

/** Says what stands in the place of conversations. */
function tellWhatIsOpen() {
    const chats = byId('conversejs').querySelector('converse-chats');
    const list = chats?.querySelector(':scope > #controlbox');
    const conversation = Boolean(chats?.querySelector(':scope > .chatbox:not(#controlbox)'));
    const chat = byId('chat');
    chat.toggleAttribute('data-conversation', conversation);
    chat.toggleAttribute('data-login', Boolean(list?.querySelector('converse-login-form')));
    chat.toggleAttribute('data-idle', !conversation && Boolean(list?.matches(':not(.logged-out)') && list.querySelector('converse-rooms-list')));
}

/** Says of a room whether a private conversation stands beside it. @param {Element | null} area */
function tellOfPrivate(area) {
    area?.closest('converse-muc')?.toggleAttribute('data-private', Boolean(area.querySelector(':scope > converse-muc-sidebar > converse-muc-occupant')));
}

/** Says whether a dialog is open. */
function tellOfDialogs() {
    const chat = byId('chat');
    const tell = () => chat.toggleAttribute('data-asks', Boolean(chat.querySelector('.modal.show')));
    chat.addEventListener('show.bs.modal', ({ target }) => {
        chat.toggleAttribute('data-asks', true);
        target?.addEventListener('hidden.bs.modal', tell, { once: true }); // it may have left the page by then
    });
}

/** An element that tells each time it has been drawn. @param {(element: any) => void} tell */
const telling = (Element, tell) =>
    class extends Element {
        updated(changed) {
            super.updated(changed);
            tell(this);
        }
    };

/** @param {Converse.Private} _converse */
export function reflectState({ api }) {
    const { registry } = api.elements;
    const elements = {
        'converse-chats': tellWhatIsOpen,
        'converse-controlbox': tellWhatIsOpen,
        'converse-muc-chatarea': tellOfPrivate,
        'converse-muc-sidebar': (sidebar) => tellOfPrivate(sidebar.parentElement),
    };
    // Patch: shown
    for (const [name, tell] of Object.entries(elements)) api.elements.define(name, telling(registry[name], tell));
    tellOfDialogs();
}
