// The list of conversations: people and rooms, the latest first, and a field to find
// any other, and messages. It stands in the place of Converse's own lists.

import { around, byId, isComposing } from '../../dom.js';
import { withTimeout } from '../withTimeout.js';
import { fold, hasWords, nearestFirst } from '../search/fold.js';
import { withLazy } from '../lazy.js';
import { panel } from '../panel.js';
import { unsentOf } from '../composer/queue.js';
import { addressOf, open, openedByAddress } from '../conversation.js';
import { listArchived } from './archived.js';
import { askConversations, askFor, isLeaving } from './ask.js';
import { entries } from './entries.js';
import { FollowedRooms } from './follow.js';
import { fill, shown } from './row.js';
import { Rows } from './rows.js';
import { goByKeys } from './step.js';
import { SEARCH_DEBOUNCE_MS } from '../../debounce.js';

/** @typedef {import('./entries.js').Entry} Entry */

const MODELS = 'add remove reset change';
const SEARCH_TIMEOUT_MS = 10_000; // ms that the site has to say what it finds
const ENTER_TIMEOUT_MS = 1000; // ms after which Enter opens who is meant without it
const PAGE_SIZE = 100; // people who come as one scrolls to the end, and then twice as many, since those of before come with them
const MINUTE_MS = 60_000;
const MIN_RELOAD_DELAY_MS = 150; // of which twice as many pass before the site is asked again
const MAX_RELOAD_DELAY_MS = 30_000; // and no more than these

/** What can be pressed in the list. */
const ROWS = '.conversations-rows > li > :is(a, button)';

/** What is known of conversations: by the site, and where it tells nothing by the archive. */
class KnownConversations {
    all = /** @type {Map<string, Entry>} */ (new Map());
    #bySite = this.all;
    #byArchive = this.all;

    bySite(conversations) {
        this.#bySite = conversations;
        this.all = new Map([...this.#byArchive, ...conversations]);
    }

    byArchive(conversations) {
        this.#byArchive = conversations;
        this.all = new Map([...conversations, ...this.#bySite]);
    }

    /** Returns whether it was known. @param {string} jid */
    delete(jid) {
        this.#bySite.delete(jid);
        this.#byArchive.delete(jid);
        return this.all.delete(jid);
    }
}

/**
 * Shows the list.
 * @param {Converse.Private} _converse
 * @param {import('../types.js').ChatConfig} config
 * @param {import('../unread/readMarkers.js').Markers} markers
 * @param {ReturnType<typeof askConversations>} first what was asked while Converse was still loaded
 */
export function listConversations(_converse, config, markers, first) {
    const later = once(() => draw());
    const field = searchField(_converse, config, later, () => draw(), (event, find) => (event.target === find && event.key === 'ArrowDown' && draw(), rows.move(event, find)));
    const rows = new Rows(byId('conversations-list'), (entry) => entry.found?.address ?? addressOf(config, entry.jid), { fill: field.hits.fill, shown, drawn: (below) => below?.last || field.typed || goOn() });
    const known = new KnownConversations();
    let loaded = false;
    const draw = () => {
        const { typed, hits } = field;
        const all = entries(_converse, known.all).map((entry) => ({ ...entry, unsent: unsentOf(entry.jid) }));
        const list = typed ? nearestFirst([...all.filter(({ name }) => hasWords(name, typed)), ...field.others(all)], typed) : all;
        const below = hits.rows(typed);
        const shown = [...list, ...below];
        rows.show(shown);
        goesOn = hasMore;
        tell(typed, list, below.length - 1, loaded);
        return shown;
    };
    const take = () => {
        document.dispatchEvent(new CustomEvent('foyer:conversations', { detail: known.all }));
        followed?.settle();
        later();
    };
    let [hasMore, goesOn] = [false, false]; // the site: than it told, and than is shown
    const goOn = () => {
        if (!goesOn) return;
        goesOn = hasMore = false;
        further();
    };
    const { load, further, forget: askForAll } = asker({
        heard: () => followed?.heard ?? 0,
        take: (answer, heard) => {
            loaded = true;
            followed?.keepHeard(answer.conversations, heard);
            known.bySite(answer.conversations);
            hasMore = answer.more;
            take();
        },
        fail: () => {
            loaded = true; // what Converse knows is shown
            later();
        },
    });
    const followed = config.follow ? new FollowedRooms(_converse, config, markers, { known: () => known.all, load, draw: later }) : null;
    load(first);
    if (!config.countsUnread) {
        listArchived(_converse, config, markers, (conversations) => {
            known.byArchive(conversations);
            take();
        });
    }
    follow(_converse, later);
    keepUp(_converse, later, () => load());
    onRemoved(_converse, (jid) => {
        if (!known.delete(jid)) return;
        askForAll(); // what the site told is not what is shown
        if (_converse.api.connection.connected()) load();
    });
    goByKeys(() => entries(_converse, known.all), (jid) => open(_converse, config, jid));
    openedByAddress(_converse, config);
}

/**
 * The field above the list: what it finds besides what is listed, people and rooms of the site and messages.
 * @param {Converse.Private} _converse
 * @param {import('../types.js').ChatConfig} config
 * @param {() => void} draw soon
 * @param {() => any[]} drawNow returns what is listed
 * @param {(event: KeyboardEvent, find: HTMLElement) => boolean} move goes through the rows by keys
 */
function searchField(_converse, config, draw, drawNow, move) {
    const find = /** @type {HTMLInputElement} */ (byId('conversations-find'));
    const hits = findMessageResults(config, draw);
    let found = /** @type {Map<string, Entry>} */ (new Map());
    let by = ''; // what was typed for them
    /** @param {{jid?: string, id?: string, words?: string}} which */
    const choose = ({ jid = '', id, words }) => {
        if (words) return document.dispatchEvent(new CustomEvent('foyer:search', { detail: { words } })); // the field keeps them
        find.value = '';
        found = new Map();
        open(_converse, config, jid, id);
        return draw();
    };
    const search = async (typed) => {
        hits.look(typed);
        const answer = typed ? await withTimeout(askFor({ q: typed }), SEARCH_TIMEOUT_MS) : new Map();
        if (typed !== find.value.trim()) return; // something else is looked for by now
        if (!answer) throw new Error('too late');
        [found, by] = [answer, typed];
        draw();
    };
    const enter = lookFor(find, draw, search, (sure) => {
        const [first, second] = drawNow();
        if (!first || (sure && (!first.name || (second?.name && fold(first.name) !== fold(find.value.trim()))))) return false;
        choose(first.found ?? first);
        return true;
    });
    goThrough(byId('conversations'), find, move, enter, choose);
    return {
        hits,
        get typed() {
            return find.value.trim();
        },
        /** Whom and what the site found that is not listed. @param {Entry[]} all */
        others: (all) => [...found.values()].filter(({ jid, name }) => (by === find.value.trim() || hasWords(name, find.value)) && !all.some((entry) => entry.jid === jid)),
    };
}

/** Runs when a room was deleted, or one was put out of it. @param {Converse.Private} _converse @param {(jid: string) => void} run */
function onRemoved(_converse, run) {
    _converse.api.listen.on('chatBoxesInitialized', () => _converse.state.chatboxes.on('remove', (box) => run(box.get('jid'))));
}

/**
 * Messages below the people and rooms, and the way to all: what finds them comes when somebody first types.
 * @param {import('../types.js').ChatConfig} config
 * @param {() => void} draw
 */
function findMessageResults(config, draw) {
    /** @type {import('./messageResults.js').MessageResults | undefined} */
    let hits;
    let last = '';
    const look = (typed) => {
        last = typed;
        if (config.search && (typed || hits)) {
            withLazy(({ MessageResults }) => {
                hits ??= new MessageResults(draw);
                hits.look(last);
                draw();
            });
        }
    };
    return {
        look,
        rows: (typed) => (typed && hits?.rows(typed)) || [],
        fill: (row, entry, address) => (entry.kind ? hits?.fill(row, entry, address) : fill(row, entry, address)),
    };
}

/**
 * Asks the site for the conversations. Of several answers none is taken that is older than what is shown. Of rooms where
 * something came meanwhile, which may not be in the answer, what came is kept; and the site is asked again, ever more
 * seldom where something comes all the time, or where somebody scrolled to the end and it does not tell more.
 * @param {{heard: () => number, take: (answer: {conversations: Map<string, Entry>, more: boolean}, heard: number) => void, fail: () => void}} on
 */
function asker({ heard, take, fail }) {
    let asks = 0;
    let taken = 0; // the ask whose answer is shown
    let tag = ''; // of that answer
    let wait = MIN_RELOAD_DELAY_MS; // before the site is asked again
    let people = 0; // further ones, whom somebody scrolled to
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let again;
    const loadAgain = () => {
        clearTimeout(again);
        again = setTimeout(load, (wait = Math.min(2 * wait, MAX_RELOAD_DELAY_MS)));
    };
    const load = (asked = askConversations(tag, people)) => {
        const mine = ++asks;
        const before = heard();
        return asked.then(
            (answer) => {
                if (!answer || mine < taken) return; // nothing is new, or a later answer was quicker
                const isWhole = before === heard();
                taken = mine;
                tag = isWhole ? answer.tag : '';
                if (isWhole) {
                    clearTimeout(again);
                    wait = MIN_RELOAD_DELAY_MS;
                } else loadAgain();
                take(answer, before);
            },
            (cause) => {
                fail();
                if (isLeaving()) return;
                console.warn('The site did not tell the conversations.', cause);
                if (people) loadAgain();
            },
        );
    };
    const further = () => {
        people = 2 * people || PAGE_SIZE;
        load();
    };
    return { load, further, forget: () => { tag = ''; } };
}

/** Goes through the rows by keys, and calls open with what one that is clicked stands for, unless it is to open elsewhere. */
function goThrough(nav, find, move, enter, open) {
    nav.addEventListener('keydown', (event) => isComposing(event) || move(event, find) || onKey(event, find, enter));
    nav.addEventListener('click', (event) => {
        const row = around(event, ROWS);
        if (!row || event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        open(row.dataset);
    });
}

/**
 * Says how much was found, and why nothing is shown.
 * @param {string} typed
 * @param {Entry[]} list people and rooms
 * @param {number} messages
 * @param {boolean} loaded
 */
function tell(typed, list, messages, loaded) {
    const isNew = !typed && !list.some(({ last, draft, room }) => last || draft || room); // there may be people to write to
    byId('conversations').setAttribute('aria-busy', String(!loaded));
    const empty = byId('conversations-empty');
    empty.hidden = !loaded || (list.length > 0 && !isNew);
    empty.textContent = whyEmpty(typed, list.length);
    byId('conversations-offer').hidden = empty.hidden || Boolean(typed);
    const count = byId('conversations-count');
    const numbers = typed ? inNumbers(list.length, messages) : '';
    if (count.textContent !== numbers) count.textContent = numbers; // it is read out whenever it is written
}

/** What is said where nothing is to be shown. */
const whyEmpty = (typed, people) =>
    typed ? `No person or room matches “${typed}”.` : `No conversations yet. ${people ? 'Write to somebody, or join a room.' : 'People you write to and your rooms appear here.'}`;

/** How much was found, for who does not see it. */
function inNumbers(names, messages) {
    const of = (n, one, many) => (n > 0 ? [`${n} ${n === 1 ? one : many}`] : []);
    const parts = [...of(names, 'person or room', 'people and rooms'), ...of(messages, 'message', 'messages')];
    return parts.length ? `${parts.join(', ')} found.` : '';
}

/** Draws what the page learns, and loads what only the site knows. @param {Converse.Private} _converse */
function keepUp(_converse, draw, load) {
    _converse.api.listen.on('reconnected', load);
    askAtFirstPresence(_converse, load);
    for (const event of ['foyer:levels', 'foyer:drafts', 'foyer:unread', 'visibilitychange']) document.addEventListener(event, draw);
    setInterval(draw, MINUTE_MS); // times grow older
    document.addEventListener('foyer:rooms', load); // a room was changed
    document.addEventListener('foyer:deleted', load); // it may have been unread, and the last one
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

/**
 * Looks for what is typed: at once in the list, and a little later at the site. What it returns is for Enter, which opens the
 * first of what is found: while the site is asked, of its answer, unless another key comes before that. Where that fails or
 * takes long, it opens who is listed, if that is surely who is meant.
 * @param {(sure?: any) => boolean} openFirst returns whether it did
 */
function lookFor(find, draw, search, openFirst) {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let typing;
    let asking; // for the answer that is waited for
    let entered; // Enter was pressed, and waits for that
    find.addEventListener('blur', () => (entered = 0));
    find.addEventListener('input', () => {
        draw();
        entered = 0;
        clearTimeout(typing);
        const mine = (asking = {});
        const done = (failed) => {
            const waits = mine === asking && entered;
            if (mine === asking) asking = entered = 0;
            const opened = waits && openFirst(failed);
            panel.warn('search', failed && !opened && (waits || navigator.onLine) ? 'The search did not work. Please try again.' : '');
        };
        typing = setTimeout(() => search(find.value.trim()).then(() => done(), done), SEARCH_DEBOUNCE_MS);
    });
    if (find.value) find.dispatchEvent(new Event('input')); // typed while the chat was fetched
    return () => {
        entered = asking && find.value.trim();
        if (!entered) openFirst();
        else setTimeout(() => entered && (entered = !openFirst(true)), ENTER_TIMEOUT_MS);
    };
}

/** Enter in the field opens the first row, Escape empties it. */
function onKey(event, find, enter) {
    const { key } = event;
    if (event.target !== find) return;
    if (key === 'Enter') enter();
    else if (key === 'Escape' && find.value) {
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
