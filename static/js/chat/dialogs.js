// The dialogs about people are the site's own.

import { personDialog } from './personDialog.js';
import { roomPeopleDialog } from './roomPeopleDialog.js';

/** @param {Converse.Private} _converse */
export function showPeopleByName(_converse) {
    const { api } = _converse;
    const dialogs = {
        'converse-user-details-modal': personDialog,
        'converse-profile-modal': personDialog,
        'converse-muc-occupant-modal': personDialog,
        'converse-modtools-modal': roomPeopleDialog,
        'converse-muc-details-modal': roomPeopleDialog,
    };
    for (const [name, dialog] of Object.entries(dialogs)) api.elements.define(name, dialog(_converse));

    closeQuietly(api.elements.registry['converse-confirm-modal']);
    openAfterClosing(api.modal);

    const item = api.elements.registry['converse-muc-occupant-list-item'].prototype;
    item.onOccupantClicked = function (event, occupant) {
        event.preventDefault();
        api.modal.show('converse-muc-occupant-modal', { model: occupant }, event);
    };
}

/** A question that is closed is answered with no; Converse rejects a promise that nobody looks at. */
function closeQuietly({ prototype }) {
    const { initialize } = prototype;
    prototype.initialize = function () {
        this.addEventListener('hide.bs.modal', () => this.confirmation.resolve(false));
        initialize.call(this);
    };
}

/** A dialog that is asked for while it fades away opens again after that; Converse would forget it. */
function openAfterClosing(modal) {
    const { show } = modal;
    const closing = new WeakSet();
    document.addEventListener('hide.bs.modal', ({ target }) => closing.add(/** @type {Element} */ (target)));
    modal.show = (name, properties) => {
        const there = modal.get(name);
        if (!closing.has(there)) return show.call(modal, name, properties);
        there.addEventListener('hidden.bs.modal', () => show.call(modal, name, properties), { once: true });
        return there;
    };
}
