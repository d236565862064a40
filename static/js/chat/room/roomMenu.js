// What the menu on top of a conversation offers, in the site's words; and the end of a
// room. Deleting it takes one question with the room's name in it; Converse would ask
// for the room's address, which nobody knows.

import { withLazy } from '../lazy.js';
import { leave } from './leave.js';
import { roomPanel } from './roomPanel.js';
import { isRoom } from '../boxes.js';

/** What entries are called, and their signs where Converse's mean something else, by their names. @type {Record<string, {i18n_text: string, icon_class?: string}>} */
const LABELS = {
    configure: { i18n_text: 'Settings' }, signout: { i18n_text: 'Leave' }, close: { i18n_text: 'Close' },
    block: { i18n_text: 'Block', icon_class: 'fa-minus-circle' }, unblock: { i18n_text: 'Unblock' },
};

/** The entries that open the panel of a room; that for moderators is one of them. */
const ENTRIES = [
    { i18n_text: 'About this room', part: 'about', icon_class: 'fa-info-circle', name: 'about' },
    { i18n_text: 'Members', part: 'members', icon_class: 'fa-user-cog', name: 'members' },
];
const entries = () => ENTRIES.map(({ part, ...entry }) => ({
    ...entry, i18n_title: '', a_class: `open-room-${part}`,
    handler: (event) => {
        event.preventDefault();
        roomPanel.open(/** @type {import('./panel.js').PartName} */ (part));
    },
}));

/** What of Converse's menu stands in it otherwise. */
const REPLACED = new Set(['moderate', 'destroy']);

const isOwnersRoom = (model) => isRoom(model) && model.getOwnAffiliation() === 'owner';

/** @param {Converse.Private} _converse */
// Patch: room-menu
export function offerRoomMenu(_converse) {
    const { api } = _converse;

    api.listen.on('getHeadingButtons', (element, buttons) =>
        buttons.map((button) => {
            const label = LABELS[button.name];
            return label ? { ...button, ...label, i18n_title: '' } : button;
        }),
    );
    const leaving = (room) => (event) => {
        event.preventDefault();
        leave(_converse, room);
    };
    api.listen.on('getHeadingButtons', ({ model }, buttons) => buttons.map((button) => (isRoom(model) && button.name === 'signout' ? { ...button, handler: leaving(model) } : button)));
    api.listen.on('getHeadingButtons', (element, buttons) => (isRoom(element.model) ? [...entries(), ...buttons.filter(({ name }) => !REPLACED.has(name))] : buttons));
    api.listen.on('getHeadingButtons', (element, buttons) => {
        if (!isOwnersRoom(element.model) || !element.model.isEntered()) return buttons;
        const remove = {
            i18n_text: 'Delete the room',
            i18n_title: 'Delete this room for everybody',
            handler: (event) => {
                event.preventDefault();
                withLazy(({ deleteRoom }) => deleteRoom(_converse, element.model));
            },
            a_class: 'destroy-chatroom-button',
            icon_class: 'fa-trash',
            name: 'destroy',
        };
        return [...buttons, remove]; // what destroys stands last
    });
}
