// A click on somebody's picture or name: who they are, and what can be done. People
// are shown by name and picture; Converse's own dialogs show addresses, and the
// words and ids of the protocol.

import { byAddress, isAround } from './people.js';

// What somebody is in a room (XEP-0045 §5.2), from the highest.
/** @type {[string, string][]} */
const STANDINGS = [
    ['owner', 'Owner'],
    ['admin', 'Admin'],
    ['member', 'Member'],
    ['none', 'Guest'],
    ['outcast', 'Kept out'],
];
const rank = (standing) => STANDINGS.findIndex(([name]) => name === (standing ?? 'none'));

/** What somebody is in a room, in a word. */
export const standingOf = (occupant) => new Map(STANDINGS).get(occupant.get('affiliation') ?? 'none');

/** What went wrong, in the room's words if it gave any. */
const reasonOf = (refusal) =>
    refusal?.querySelector?.('error > text')?.textContent || 'The room did not allow that.';

/** What a person may do with another in a room (XEP-0045 §8, §9). */
class Moderation {
    constructor(room, occupant) {
        this.room = room;
        this.occupant = occupant;
        this.jid = occupant.get('jid');
        this.own = room.getOwnOccupant();
    }

    get above() {
        return rank(this.own?.get('affiliation')) < rank(this.occupant.get('affiliation')) || this.own?.get('affiliation') === 'owner';
    }

    get moderates() {
        return this.own?.get('role') === 'moderator' && this.above && ['participant', 'visitor', 'moderator'].includes(this.occupant.get('role'));
    }

    /** Whether somebody's voice can be given and taken. */
    get voices() {
        return this.moderates && this.room.features.get('moderated') && this.occupant.get('role') !== 'moderator';
    }

    /** What the other may be made: an owner anything, an admin all that is below. */
    get standings() {
        const own = this.own?.get('affiliation');
        if (!this.jid || !['owner', 'admin'].includes(own) || !this.above) return [];
        return STANDINGS.filter(([name]) => own === 'owner' || rank(name) > rank('admin'));
    }

    setRole(role) {
        return new Promise((resolve, reject) => this.room.setRole(this.occupant, role, '', resolve, reject));
    }

    async setStanding(standing) {
        await window.converse.env.u.muc.setAffiliation(standing, this.room.get('jid'), [{ jid: this.jid, reason: '' }]);
        await this.room.occupants.fetchMembers();
    }
}

/**
 * The class is made when Converse is there: it is one of its dialogs.
 * @param {Converse.Private} _converse
 */
export function personDialog(_converse) {
    const { api } = _converse;
    const { html } = window.converse.env;
    const Dialog = Object.getPrototypeOf(api.elements.registry['converse-muc-occupant-modal']);

    return class extends Dialog {
        initialize() {
            super.initialize();
            const shown = this.occupant ?? this.shown;
            if (shown?.on) this.listenTo(shown, 'change', () => this.requestUpdate());
        }

        /** What is shown: a conversation, a contact, somebody in a room, or what is left of them in a message. */
        get shown() {
            return this.model ?? this.message ?? _converse.state.profile;
        }

        get occupant() {
            return this.model?.collection?.chatroom ? this.model : null;
        }

        get jid() {
            return this.occupant ? this.occupant.get('jid') : this.model?.get('jid') ?? null;
        }

        get isSelf() {
            if (this.occupant) return this.occupant.isSelf() || this.occupant === this.occupant.collection.chatroom.getOwnOccupant();
            return this.shown === _converse.state.profile || this.jid === _converse.session.get('bare_jid');
        }

        getModalTitle() {
            return this.isSelf ? 'You' : this.shown.getDisplayName();
        }

        /** Does something, and says so if that fails. */
        async attempt(action) {
            try {
                await action();
                this.close();
            } catch (refusal) {
                this.alert(reasonOf(refusal), 'danger');
            }
        }

        startConversation() {
            const { occupant, jid } = this;
            this.close();
            if (jid) return api.chats.open(jid, {}, true);
            return occupant.collection.chatroom.save({ sidebar_view: `occupant:${occupant.id}`, hidden_occupants: false });
        }

        renderModal() {
            const { shown, occupant, jid } = this;
            const contact = jid && byAddress(_converse, jid);
            const state = occupant ? standingOf(occupant) : contact && (isAround(contact.presence) ? 'Around' : 'Away');
            const canWrite = !this.isSelf && (occupant || contact) && shown.get('type') !== 'chatbox';
            return html`<div class="person-card">
                <converse-avatar .model=${shown} class="avatar" name=${shown.getDisplayName()} height="96" width="96"></converse-avatar>
                ${state && !this.isSelf ? html`<p>${state}</p>` : ''}
                <div class="person-card__actions">
                    ${this.isSelf ? html`<a class="btn btn-primary" href="/settings">Settings</a>` : ''}
                    ${canWrite ? html`<button type="button" class="btn btn-primary" @click=${() => this.startConversation()}>Message</button>` : ''}
                    ${occupant && !this.isSelf ? this.renderModeration(new Moderation(occupant.collection.chatroom, occupant)) : ''}
                </div>
            </div>`;
        }

        renderModeration(moderation) {
            const silent = moderation.occupant.get('role') === 'visitor';
            const button = (label, action) =>
                html`<button type="button" class="btn btn-secondary" @click=${() => this.attempt(action)}>${label}</button>`;
            return html`
                ${moderation.voices ? button(silent ? 'Let them write' : 'Do not let them write', () => moderation.setRole(silent ? 'participant' : 'visitor')) : ''}
                ${moderation.moderates ? button('Put out of the room', () => moderation.setRole('none')) : ''}
                ${moderation.standings.length ? this.renderStandings(moderation) : ''}
            `;
        }

        renderStandings(moderation) {
            const now = moderation.occupant.get('affiliation') ?? 'none';
            return html`<label>In this room
                <select class="form-select" @change=${(event) => this.attempt(() => moderation.setStanding(event.target.value))}>
                    ${moderation.standings.map(([name, label]) => html`<option value=${name} ?selected=${name === now}>${label}</option>`)}
                </select>
            </label>`;
        }
    };
}
