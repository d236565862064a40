// What is done with a room as a whole: its settings (XEP-0045 §10.2), its topic, who is
// invited, and its end.

import { withTimeout } from '../withTimeout.js';
import { ask } from '../dialogs/questions.js';
import { reasonOf } from './affiliation.js';

const OWNER = 'http://jabber.org/protocol/muc#owner';
const FORM = 'jabber:x:data';

/** Settings by what this site calls them, as the form has them. Servers have one or the other of some. */
const FIELDS = {
    name: ['muc#roomconfig_roomname'],
    about: ['muc#roomconfig_roomdesc'],
    invited: ['muc#roomconfig_membersonly'],
    listed: ['muc#roomconfig_publicroom'],
    moderated: ['muc#roomconfig_moderatedroom'],
    membersInvite: ['muc#roomconfig_allowinvites', 'muc#roomconfig_allowmemberinvites', '{http://prosody.im/protocol/muc}roomconfig_allowmemberinvites'],
    readable: ['muc#roomconfig_enablelogging'], // by visitors, at this site's own server (xmppd/muc/owner.go); others mean something else
    topicByAll: ['muc#roomconfig_changesubject'],
    addresses: ['muc#roomconfig_whois'],
};

/** @typedef {keyof typeof FIELDS} SettingName */

const ANSWER_TIMEOUT_MS = 10_000; // ms that an answer may take, and one change waits for another

/** What a room answers, if it does. @template T @param {Promise<T>} asked */
export async function answerTo(asked) {
    const answer = await withTimeout(asked, ANSWER_TIMEOUT_MS);
    if (answer === null) throw new Error();
    return answer;
}

/** The fields of a room's form, with their values. @returns {Promise<Map<string, string[]>>} */
async function fieldsOf(room) {
    const answer = await answerTo(room.fetchRoomConfiguration());
    const fields = [...answer.getElementsByTagNameNS(FORM, 'field')].filter((field) => field.getAttribute('var') && field.getAttribute('type') !== 'fixed');
    const valuesOf = (field) => [...field.children].filter(({ localName }) => localName === 'value').map(({ textContent }) => textContent);
    return new Map(fields.map((field) => [field.getAttribute('var'), valuesOf(field)]));
}

const fieldOf = (fields, setting) => FIELDS[setting].find((name) => fields.has(name));

/**
 * The settings that the room's server has. @returns {Promise<Partial<Record<SettingName, string | boolean>>>}
 */
export async function settingsOf(room) {
    const fields = await fieldsOf(room);
    const has = Object.keys(FIELDS).flatMap((setting) => {
        const [value = ''] = fields.get(fieldOf(fields, setting) ?? '') ?? [];
        const text = ['name', 'about', 'addresses'].includes(setting);
        return fieldOf(fields, setting) ? [[setting, text ? value : value === '1' || value === 'true']] : [];
    });
    return Object.fromEntries(has);
}

/** @type {Promise<unknown>} */
let last = Promise.resolve();

/**
 * Changes settings of a room; the others stay as they are. All are sent, as they were when they were asked for: so one change
 * goes after the other, or takes that back.
 * @param {Converse.Private} _converse
 * @param {Converse.Room} room
 * @param {Partial<Record<SettingName, string | boolean>>} changes
 */
export function configure(_converse, room, changes) {
    const change = withTimeout(last, ANSWER_TIMEOUT_MS).then(() => send(_converse, room, changes));
    last = change.catch(() => {});
    return change;
}

async function send({ api }, room, changes) {
    const { stx, u } = window.converse.env;
    const fields = await fieldsOf(room);
    for (const [setting, value] of Object.entries(changes)) {
        const name = fieldOf(fields, setting);
        if (name) fields.set(name, [typeof value === 'boolean' ? String(Number(value)) : value]);
    }
    const filled = [...fields].map(([name, values]) => stx`<field var="${name}">${values.map((value) => stx`<value>${value}</value>`)}</field>`);
    const form = stx`<iq to="${room.get('jid')}" type="set" id="${u.getUniqueId('settings')}" xmlns="jabber:client">
        <query xmlns="${OWNER}"><x xmlns="${FORM}" type="submit">${filled}</x></query>
    </iq>`;
    await answerTo(api.sendIQ(form));
    await room.refreshDiscoInfo();
    document.dispatchEvent(new CustomEvent('foyer:rooms'));
}

/** Invites a member of the site, in the room's name. */
export async function invite(room, user) {
    const path = `/xmpp/rooms/${encodeURIComponent(room.get('jid').split('@')[0])}/invite`;
    const answer = await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ user }) });
    if (answer.ok) return;
    throw new Error(answer.status === 403 ? 'You cannot invite people to this room. Ask one of its owners or moderators.' : 'The invitation was not sent. Please try again in a moment.');
}

/** Asks, deletes the room (XEP-0045 §10.9), and leaves the conversation. */
export async function deleteRoom(_converse, room) {
    const { api } = _converse;
    const sure = await ask(api, {
        title: `Delete “${room.getDisplayName()}”?`,
        text: 'It will be deleted for everybody, with all that was said there. This cannot be undone.',
        verb: 'Delete the room', destroys: true,
    });
    if (!sure) return;
    try {
        await room.sendDestroyIQ();
    } catch (refusal) {
        api.alert('error', 'The room is still there', [reasonOf(refusal)]);
        return;
    }
    await room.close();
}
