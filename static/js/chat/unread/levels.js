// Of which messages a person wants to be told: kept with the account
// (/xmpp/conversations/settings), the same on every device.

import { all } from '../../dom.js';
import { siteTime } from '../siteTime.js';

const LOAD_DELAY_MS = 300; // so that many bookmarks at once are asked for once

const SAVE_TIMEOUT_MS = 10_000; // what is chosen next waits for it

const URL = '/xmpp/conversations/settings';

/** @typedef {'all'|'mentions'|'none'} Level */

/** What the levels are called. @type {Record<Level, string>} */
export const LEVEL_NAMES = { all: 'All messages', mentions: 'Only when I am mentioned', none: 'None' };
const inSentence = (name) => name[0].toLowerCase() + name.slice(1);

const channel = new BroadcastChannel('foyer-levels');

/** @type {Map<string, {level: Level|'', pinned: boolean}>} */
let chosen = new Map();
let sound = false;
let text = false;
/** @type {{from: number|null, until: number|null, zone: string}} */
let quietTime = { from: null, until: null, zone: 'UTC' };

/** Minutes of the day in a time zone. */
function minute(zone) {
    const parts = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: 'numeric', minute: 'numeric', hourCycle: 'h23' }).formatToParts(siteTime.now());
    const of = (type) => Number(parts.find((part) => part.type === type)?.value);
    return of('hour') * 60 + of('minute');
}

let asked = 0;
let oldest = 0; // of those asked for, the first whose answer is not out of date

async function load() {
    const mine = ++asked;
    const answer = await fetch(URL, { cache: 'no-store' });
    if (!answer.ok) throw new Error(`${URL}: ${answer.status}`);
    const settings = await answer.json();
    if (mine < oldest) return; // a later one is known, or something was chosen since
    oldest = mine;
    chosen = new Map(settings.conversations.map(({ jid, ...rest }) => [jid, rest]));
    sound = settings.sound;
    text = settings.text;
    quietTime = { from: settings.quietFrom, until: settings.quietUntil, zone: settings.zone };
    document.dispatchEvent(new CustomEvent('foyer:levels'));
}

const again = () => load().catch((cause) => console.warn('It is not known which notifications are wanted.', cause));

/** What was chosen last is on its way until then. @type {Promise<unknown>} */
let last = Promise.resolve();

/**
 * Keeps what was chosen, one after the other: of two that are on their way the site may take the first last.
 * @param {string} jid
 * @param {{level?: Level, pinned?: boolean}} what
 */
function change(jid, what) {
    const saved = last.then(() => save(jid, what));
    last = saved.catch(() => {}); // whoever chose it is told
    return saved;
}

/** @param {string} jid @param {{level?: Level, pinned?: boolean}} what */
async function save(jid, what) {
    const body = JSON.stringify({ jid, ...what });
    const answer = await fetch(URL, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body, signal: AbortSignal.timeout(SAVE_TIMEOUT_MS) });
    if (!answer.ok) throw new Error(`${URL}: ${answer.status}`);
    chosen.set(jid, { level: '', pinned: false, ...chosen.get(jid), ...what });
    channel.postMessage('changed');
    document.dispatchEvent(new CustomEvent('foyer:levels'));
    oldest = asked + 1; // the list may be under way, as it was before
    again();
}

export const levels = {
    /** Reads what the person chose, now and after every visit to another page. */
    follow() {
        /** @type {ReturnType<typeof setTimeout> | undefined} */
        let soon;
        again();
        document.addEventListener('foyer:page', (event) => event.detail && again());
        channel.addEventListener('message', again);
        // People's apps write levels into bookmarks.
        document.addEventListener('foyer:bookmarks', () => {
            soon ??= setTimeout(() => {
                soon = undefined;
                again();
            }, LOAD_DELAY_MS);
        });
    },

    /** @param {string} jid @param {boolean} room @returns {Level} */
    of(jid, room) {
        const level = chosen.get(jid)?.level;
        if (room) return level || 'mentions';
        return level === 'none' ? 'none' : 'all'; // what is said to one alone is as good as a mention
    },

    /** @param {string} jid */
    pinned: (jid) => Boolean(chosen.get(jid)?.pinned),

    /** @param {string} jid @param {boolean} pinned whether it stands on top of the list */
    pin: (jid, pinned) => change(jid, { pinned }),

    sound: () => sound,

    /** Whether notifications say what was written. */
    text: () => text,

    /** Whether it is the person's quiet time; until is not in it. */
    quiet() {
        const { from, until, zone } = quietTime;
        if (from === null || until === null || from === until) return false;
        const now = minute(zone);
        return from < until ? now >= from && now < until : now >= from || now < until;
    },

    /** @param {string} jid @param {Level} level */
    choose: (jid, level) => change(jid, { level }),
};

/** The entries in each conversation's menu, one for each level: the menu stays open (menus.js), and shows which it is now. @param {Converse.Private} _converse */
export function offerLevels({ api }) {
    levels.follow();
    /** What a click saves; whoever it failed for is told. */
    const saved = (save) => async (event) => {
        event.preventDefault();
        try {
            await save();
        } catch {
            api.alert('error', 'Not saved', ['That could not be saved. Please try again in a moment.']);
        }
    };
    document.addEventListener('foyer:levels', () => { // chosen here or elsewhere
        for (const heading of /** @type {any[]} */ (all('converse-chat-heading, converse-muc-heading'))) heading.requestUpdate();
    });
    api.listen.on('getHeadingButtons', (element, buttons) => {
        const { model } = element;
        const room = model.get('type') === 'chatroom';
        if (!room && model.get('type') !== 'chatbox') return buttons;
        /** @type {Level[]} */
        const order = room ? ['mentions', 'all', 'none'] : ['all', 'none'];
        const jid = model.get('jid');
        const choices = order.map((level) => ({
            i18n_text: `Notifications: ${inSentence(LEVEL_NAMES[level])}`,
            handler: saved(() => levels.choose(jid, level)),
            a_class: '',
            icon_class: 'fa-bell',
            name: 'notifications',
            chosen: levels.of(jid, room) === level,
        }));
        const pinned = levels.pinned(jid);
        const pin = {
            i18n_text: pinned ? 'Unpin' : 'Pin to the top',
            i18n_title: pinned ? 'Sort it by time again' : 'Keep it at the top of the list',
            handler: saved(() => levels.pin(jid, !pinned)),
            a_class: 'conversation-pin',
            icon_class: 'fa-bookmark',
            name: 'pin',
        };
        return [...choices, pin, ...buttons];
    });
}
