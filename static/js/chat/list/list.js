// The list of conversations: people and rooms, the latest first, and a field to find
// any other. It stands in the place of Converse's own lists.

import { around, byId } from '../../dom.js';
import { fold } from '../fold.js';
import { panel } from '../panel.js';
import { addressOf, open, openedByAddress } from '../conversation.js';
import { askConversations, askFor, isLeaving } from './ask.js';
import { entries } from './entries.js';
import { FollowedRooms } from './follow.js';
import { Rows } from './rows.js';
import { goByKeys } from './step.js';

/** @typedef {import('./entries.js').Entry} Entry */

const MODELS = 'add remove reset change';
const TYPING = 180; // ms that somebody who types may pause before the site is asked
const MINUTE = 60_000;

/** Whether a name has all the words that are typed. */
const matches = (entry, typed) => {
    const name = fold(entry.name);
    return fold(typed).split(/\s+/u).every((word) => name.includes(word));
};

/**
 * Shows the list.
 * @param {Converse.Private} _converse
 * @param {import('../types.js').ChatConfig} config
 * @param {import('../readMarkers.js').Markers} markers
 * @param {ReturnType<typeof askConversations>} first what was asked while Converse was still loaded
 */
export function listConversations(_converse, config, markers, first) {
    const nav = byId('conversations');
    const find = /** @type {HTMLInputElement} */ (byId('conversations-find'));
    const empty = byId('conversations-empty');
    const rows = new Rows(byId('conversations-list'), (entry) => addressOf(config, entry.jid));
    let told = /** @type {Map<string, Entry>} */ (new Map());
    let found = /** @type {Map<string, Entry>} */ (new Map());
    let loaded = false;

    const draw = () => {
        const typed = find.value.trim();
        const all = entries(_converse, told);
        const list = typed ? [...all.filter((entry) => matches(entry, typed)), ...others(all)] : all;
        rows.show(list);
        empty.hidden = list.length > 0 || !loaded;
        empty.textContent = whyEmpty(typed);
        nav.setAttribute('aria-busy', String(!loaded));
    };
    const others = (all) => [...found.values()].filter(({ jid }) => !all.some((entry) => entry.jid === jid));
    const later = once(draw);
    const { load, forget: askForAll } = asker({
        heard: () => followed?.heard,
        missed: () => followed?.loadSoon(),
        take: (conversations) => {
            told = conversations;
            document.dispatchEvent(new CustomEvent('foyer:conversations', { detail: told }));
            loaded = true;
            followed?.settle();
            later();
        },
        fail: () => {
            loaded = true; // what Converse knows is shown
            later();
        },
    });
    const followed = config.follow ? new FollowedRooms(_converse, config, markers, { told: () => told, load, draw: later }) : null;
    load(first);
    follow(_converse, later);
    keepUp(_converse, later, () => load());
    // A room that was deleted, or that one was put out of.
    const forget = (box) => {
        if (!told.delete(box.get('jid'))) return;
        askForAll(); // what the site told is not what is shown
        if (_converse.api.connection.connected()) load();
    };
    _converse.api.listen.on('chatBoxesInitialized', () => _converse.state.chatboxes.on('remove', forget));

    lookFor(find, later, async (typed) => {
        found = typed ? await askFor(typed) : new Map();
        later();
    });
    goThrough(nav, find, (jid) => {
        find.value = '';
        found = new Map();
        open(_converse, config, jid);
        later();
    });
    goByKeys(() => entries(_converse, told), (jid) => open(_converse, config, jid));
    openedByAddress(_converse, config);
}

/**
 * Asks the site for the conversations. Of several answers none is taken that is older than what is shown, nor one
 * while which something came that may not be in it.
 * @param {{heard: () => unknown, missed: () => void, take: (told: Map<string, Entry>) => void, fail: () => void}} on
 */
function asker({ heard, missed, take, fail }) {
    let asks = 0;
    let taken = 0; // the ask whose answer is shown
    let tag = ''; // of that answer
    const load = (asked = askConversations(tag)) => {
        const mine = ++asks;
        const before = heard();
        return asked.then(
            (answer) => {
                if (!answer || mine < taken) return; // nothing is new, or a later answer was quicker
                if (before !== heard()) return missed();
                taken = mine;
                tag = answer.tag;
                take(answer.told);
            },
            (cause) => {
                fail();
                if (!isLeaving()) console.warn('The site did not tell the conversations.', cause);
            },
        );
    };
    return { load, forget: () => { tag = ''; } };
}

/** Goes through the rows by keys, and calls open with the address of one that is clicked, unless it is to open elsewhere. */
function goThrough(nav, find, open) {
    nav.addEventListener('keydown', (event) => moveFocus(event, find));
    nav.addEventListener('click', (event) => {
        const row = around(event, 'a.conversation');
        if (!row || event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        open(row.dataset.jid ?? '');
    });
}

/** What is said where nothing is to be shown. */
const whyEmpty = (typed) =>
    typed ? `Nobody and no room has “${typed}” in its name.` : 'Nobody to talk with yet. People whom you write to, and your rooms, stand here.';

/** Draws what the page learns, and loads what only the site knows. @param {Converse.Private} _converse */
function keepUp(_converse, draw, load) {
    _converse.api.listen.on('reconnected', load);
    askAtFirstPresence(_converse, load);
    for (const event of ['foyer:levels', 'foyer:drafts', 'foyer:unread', 'visibilitychange']) document.addEventListener(event, draw);
    setInterval(draw, MINUTE); // times grow older
    document.addEventListener('foyer:rooms', load); // a room was changed
    document.addEventListener('foyer:page', (event) => event.detail && load());
}

/**
 * Messages come from a stream's first presence on, which comes back to who sent it (RFC 6121 §4.2.2). What was
 * said before that, and after the site was asked, it tells now.
 */
function askAtFirstPresence({ api }, load) {
    const wait = () => {
        const connection = api.connection.get();
        const hear = () => {
            load();
            return false; // once
        };
        connection.addHandler(hear, null, 'presence', null, null, connection.jid);
    };
    api.listen.on('connected', wait);
    api.listen.on('reconnected', wait);
}

/** Calls draw whenever something that the list shows changes. */
function follow(_converse, draw) {
    const { api } = _converse;
    const seen = new WeakSet();
    const watch = (box) => {
        if (seen.has(box)) return;
        seen.add(box);
        box.messages?.on(MODELS, draw);
        box.messages?.fetched?.then(draw);
        box.notifications?.on('change', draw); // somebody types
    };
    const watchPeople = () => {
        const { roster, presences } = _converse.state;
        roster?.off(MODELS, draw);
        roster?.on(MODELS, draw);
        presences?.off('change', draw);
        presences?.on('change', draw);
        _converse.state.vcards?.off('change', draw);
        _converse.state.vcards?.on('change', draw);
        draw();
    };
    api.listen.on('chatBoxesInitialized', () => {
        const { chatboxes } = _converse.state;
        chatboxes.on(MODELS, draw);
        chatboxes.on('add', watch);
        chatboxes.forEach(watch);
    });
    api.waitUntil('chatBoxesFetched').then(() => {
        _converse.state.chatboxes.forEach(watch);
        draw();
    });
    api.listen.on('rosterContactsFetched', watchPeople);
}

/** Looks for what is typed: at once in the list, and a little later at the site. */
function lookFor(find, draw, search) {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let typing;
    let asked = 0;
    find.addEventListener('input', () => {
        draw();
        clearTimeout(typing);
        const mine = ++asked;
        typing = setTimeout(() => {
            if (mine === asked) search(find.value.trim()).catch((cause) => panel.warn(navigator.onLine ? 'The search did not work. Please try again.' : ''));
        }, TYPING);
    });
}

/** Arrow keys go through the rows, from the field on; Enter in the field opens the first. */
function moveFocus(event, find) {
    const rows = /** @type {HTMLElement[]} */ ([...event.currentTarget.querySelectorAll('a.conversation')]);
    const at = rows.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const inField = document.activeElement === find;
    if (event.key === 'ArrowDown' && (inField || at >= 0)) rows[at + 1]?.focus();
    else if (event.key === 'ArrowUp' && at >= 0) (rows[at - 1] ?? find).focus();
    else if (event.key === 'Enter' && inField) rows[0]?.click();
    else if (event.key === 'Escape' && inField && find.value) {
        find.value = '';
        find.dispatchEvent(new Event('input'));
    } else return;
    event.preventDefault();
}

/** A function that runs once, soon, however often it is called. */
function once(work) {
    let waiting = false;
    return () => {
        if (waiting) return;
        waiting = true;
        setTimeout(() => {
            waiting = false;
            work();
        }, 30);
    };
}
