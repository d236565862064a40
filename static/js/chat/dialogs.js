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
