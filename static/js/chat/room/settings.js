// The settings of a room, for its owners: in plain words, and each saved as it is
// chosen.

import { ask } from '../dialogs/questions.js';
import { configure, settingsOf } from './actions.js';
import { Part } from './part.js';
import { isHere, reasonOf } from './affiliation.js';

/** @typedef {import('./actions.js').SettingName} SettingName */

/** Those that are on or off, and what they are called. @type {[SettingName, string, string][]} */
const SWITCHES = [
    ['moderated', 'Only members may write', 'Moderators may let others write, from their cards.'],
    ['membersInvite', 'Members may invite others', ''],
    ['topicByAll', 'Everybody may change the topic', ''],
];

export class Settings extends Part {
    /** @type {Partial<Record<SettingName, string | boolean>> | null} */
    settings = null;
    said = '';
    /** @type {object | undefined} the answer that is waited for */
    asked;
    /** @type {Set<object>} the choices that are on their way */
    unsaved = new Set();

    enter() {
        this.settings = null;
        this.unsaved = new Set();
        this.said = '';
        this.asked = undefined;
    }

    async opened() {
        const { room } = this.panel;
        if (!room?.isEntered() || this.asked) return;
        const asked = (this.asked = {});
        this.said = '';
        const [settings, said] = await settingsOf(room).then((told) => [told, ''], (refusal) => [this.settings, reasonOf(refusal)]);
        if (asked !== this.asked) return; // another room is in sight, or something was chosen meanwhile
        Object.assign(this, { settings: settings && Object.assign({}, settings, ...this.unsaved), said, asked: undefined });
        this.panel.soon(0);
    }

    /** Asks once more: what was asked for on a stream that was lost is not answered, and others may have chosen meanwhile. */
    askAgain() {
        this.asked = undefined;
        return this.opened();
    }

    /** @param {Converse.Room} room */
    render(room) {
        const { html } = window.converse.env;
        const { settings } = this;
        if (!settings && !this.said) this.opened(); // the room was not entered yet
        if (!settings) return html`<p class="room-panel__said" role="status">${this.said || 'Loading …'}</p>`;
        const who = (closed, label, text) => html`<label class="room-choice">
            <input type="radio" name="who" .checked=${Boolean(settings.invited) === closed} @change=${() => this.#whoComes(room, closed)}>
            <span>${label}<small>${text}</small></span>
        </label>`;
        return html`<div class="room-settings">
            <fieldset>
                <legend>Who can join</legend>
                ${who(false, 'Everybody', 'It is in the list of rooms, and anybody on this site can join.')}
                ${who(true, 'Only people who are invited', 'Only its members see it.')}
            </fieldset>
            <fieldset>
                <legend>What people may do</legend>
                ${this.#mayShow() ? this.#readable(room) : ''}
                ${SWITCHES.filter(([name]) => name in settings).map(([name, label, text]) => html`<label class="room-choice">
                    <input type="checkbox" role="switch" .checked=${Boolean(settings[name])} @change=${(event) => this.#save(room, { [name]: event.target.checked })}>
                    <span>${label}${text ? html`<small>${text}</small>` : ''}</span>
                </label>`)}
            </fieldset>
            <p class="room-panel__said" role="status">${this.said}</p>
        </div>`;
    }

    /** Whether the room can be shown on pages (app/discussion.go): of the site's own server, and open to everybody. */
    #mayShow() {
        return this.config.search && !this.settings?.invited && this.settings?.readable !== undefined;
    }

    #readable(room) {
        const { html } = window.converse.env;
        return html`<label class="room-choice">
            <input type="checkbox" role="switch" .checked=${Boolean(this.settings?.readable)} @change=${(event) => this.#show(room, event.target.checked)}>
            <span>Pages of this site may show it<small>What is said here is read there by everybody, signed in or not.</small></span>
        </label>`;
    }

    #show(room, readable) {
        const question = { title: 'Allow pages of this site to show the room?', text: 'What is said here can then be read by everybody, also by people who are not signed in.', verb: 'Allow' };
        return this.#save(room, { readable }, !readable || ask(this._converse.api, question));
    }

    /**
     * A room by invitation shows its members who each of them is, as one that is made so
     * (app/embedded.go): encryption needs to know who reads along (XEP-0384 §5.8).
     */
    #whoComes(room, closed) {
        const strangers = room.occupants.models.filter((occupant) => isHere(occupant) && !['owner', 'admin', 'member'].includes(occupant.get('affiliation'))).length;
        const people = strangers === 1 ? 'One person here is not a member and will be removed.' : `${strangers} people here are not members and will be removed.`;
        const question = { title: 'Make the room invitation-only?', text: [people, 'Make them members first, or invite them again.'], verb: 'Make it invitation-only' };
        const sure = !closed || !strangers || ask(this._converse.api, question);
        return this.#save(room, { invited: closed, listed: !closed, addresses: closed ? 'anyone' : 'moderators' }, sure);
    }

    /** Shows at once what was chosen, and what was before where that is not to be. */
    async #save(room, changes, /** @type {boolean | Promise<boolean>} */ sure = true) {
        const { settings, unsaved } = this;
        this.asked = undefined;
        unsaved.add(changes);
        const before = Object.fromEntries(Object.keys(changes).map((name) => [name, settings?.[name]]));
        const show = (choices, said) => {
            if (room !== this.panel.room || !this.settings) return; // another room's are shown
            this.settings = { ...this.settings, ...choices };
            this.said = said;
            this.panel.soon(0);
        };
        show(changes, '');
        try {
            if (!(await sure)) return show(before, '');
            await configure(this._converse, room, changes);
            show({}, 'Saved.');
        } catch (refusal) {
            show(before, reasonOf(refusal));
        } finally {
            unsaved.delete(changes);
        }
    }
}
