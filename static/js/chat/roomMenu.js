// What the menu on top of a conversation offers, in the site's words; and the end of a
// room. Deleting it takes one question with the room's name in it; Converse would ask
// for the room's address, which nobody knows.

/** What entries are called, by their names. @type {Record<string, string>} */
const LABELS = { configure: 'Settings', moderate: 'Manage people', signout: 'Leave', block: 'Block', unblock: 'Unblock', close: 'Close' };

/** Asks, deletes the room (XEP-0045 §10.9), and leaves the conversation. */
async function deleteRoom(_converse, room) {
    const { api } = _converse;
    const question = `Delete “${room.getDisplayName()}” for everybody?`;
    const sure = await api.confirm('Delete the room', [question, 'Nobody can come back to it, and this cannot be undone.']);
    if (!sure) return;
    try {
        await room.sendDestroyIQ();
    } catch (refusal) {
        const reason = refusal instanceof Element && refusal.querySelector('error > text')?.textContent;
        api.alert('error', 'The room is still there', [reason || 'It could not be deleted just now. Please try again in a moment.']);
        return;
    }
    await room.close();
}

const isOwnersRoom = (model) => model.get('type') === 'chatroom' && model.getOwnAffiliation() === 'owner';

/** @param {Converse.Private} _converse */
export function offerRoomMenu(_converse) {
    const { api } = _converse;

    api.listen.on('getHeadingButtons', (element, buttons) =>
        buttons.map((button) => {
            const label = LABELS[button.name];
            return label ? { ...button, i18n_text: label, i18n_title: '' } : button;
        }),
    );
    api.listen.on('getHeadingButtons', (element, buttons) => {
        if (!isOwnersRoom(element.model) || !element.model.isEntered()) return buttons;
        const remove = {
            i18n_text: 'Delete the room',
            i18n_title: 'Delete this room for everybody',
            handler: (event) => {
                event.preventDefault();
                deleteRoom(_converse, element.model);
            },
            a_class: 'destroy-chatroom-button',
            icon_class: 'fa-trash',
            name: 'destroy',
        };
        const leave = buttons.findIndex(({ name }) => name === 'signout');
        return buttons.toSpliced(leave < 0 ? buttons.length : leave, 0, remove);
    });
    // The command is switched off in Converse (settings.js), where it asks the same.
    api.listen.on('parseMessageForCommands', ({ model, text }, handled) => {
        if (handled || !/^\s*\/destroy\b/i.test(text) || !isOwnersRoom(model)) return handled;
        deleteRoom(_converse, model);
        return true;
    });
}
