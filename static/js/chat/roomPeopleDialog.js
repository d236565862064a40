// The people of a room, for those who look after it: who is there, who belongs to
// it, and who is kept out. What can be done with somebody is in their own dialog.

import { standingOf } from './personDialog.js';
import { nameOf } from './people.js';

/**
 * The class is made when Converse is there: it is one of its dialogs.
 * @param {Converse.Private} _converse
 */
export function roomPeopleDialog(_converse) {
    const { api } = _converse;
    const { html } = window.converse.env;
    const Dialog = Object.getPrototypeOf(api.elements.registry['converse-muc-occupant-modal']);

    return class extends Dialog {
        /** @type {{jid: string, name: string}[]} */
        keptOut = [];

        initialize() {
            super.initialize();
            this.room = this.model ?? _converse.state.chatboxes.get(this.jid);
            this.listenTo(this.room.occupants, 'add change remove', () => this.requestUpdate());
            this.fetchKeptOut();
        }

        getModalTitle() {
            return `People of “${this.room.getDisplayName()}”`;
        }

        async fetchKeptOut() {
            if (!['owner', 'admin'].includes(this.room.getOwnAffiliation())) return;
            const list = await api.rooms.affiliations.get('outcast', this.room.get('jid'));
            this.keptOut = Array.isArray(list) ? await Promise.all(list.map(async ({ jid }) => ({ jid, name: await nameOf(_converse, jid) }))) : [];
            this.requestUpdate();
        }

        /** Takes somebody off the list of those kept out (XEP-0045 §9.2). */
        async letIn(jid) {
            try {
                await window.converse.env.u.muc.setAffiliation('none', this.room.get('jid'), [{ jid, reason: '' }]);
            } catch {
                this.alert('The room did not allow that.', 'danger');
            }
            await this.fetchKeptOut();
        }

        open(occupant) {
            this.close();
            api.modal.show('converse-muc-occupant-modal', { model: occupant });
        }

        renderModal() {
            const here = (occupant) => occupant.get('presence') === 'online' || occupant.get('show') === 'online';
            const people = this.room.occupants.models
                .filter((occupant) => occupant.get('affiliation') !== 'outcast')
                .toSorted((a, b) => Number(here(b)) - Number(here(a)) || a.getDisplayName().localeCompare(b.getDisplayName()));
            return html`
                <ul class="people-dialog">${people.map((occupant) => this.renderPerson(occupant, here(occupant)))}</ul>
                ${this.keptOut.length ? html`<h3 class="h6 mt-3">Kept out</h3>` : ''}
                <ul class="people-dialog">
                    ${this.keptOut.map(({ jid, name }) => html`<li><button type="button" @click=${() => this.letIn(jid)}>${name}<small>Let them in again</small></button></li>`)}
                </ul>
            `;
        }

        renderPerson(occupant, here) {
            return html`<li>
                <button type="button" @click=${() => this.open(occupant)}>
                    <converse-avatar .model=${occupant} class="avatar" name=${occupant.getDisplayName()} height="36" width="36"></converse-avatar>
                    <span>${occupant.getDisplayName()}<small>${standingOf(occupant)}${here ? '' : ', not here now'}</small></span>
                </button>
            </li>`;
        }
    };
}
