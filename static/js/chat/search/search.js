// Search over all conversations and rooms, from the list's head and with Ctrl+K: people
// and rooms by name, and below them messages by their words (app/search.go). One field
// has the focus; the arrow keys choose among what was found. Who wrote a message is chosen there as
// well: by "from:" and how a name begins.

import { around, byId } from '../../dom.js';
import { findAuthors, takeAuthor, typedAuthor } from './authors.js';
import { ask, findMessages, whereSaid, failureText } from './find.js';
import { hasWords, nearestFirst } from './fold.js';
import { make } from '../elements.js';
import { lineWithAuthor } from '../list/row.js';
import { marked, option, Options, timeElement } from '../dialogs/options.js';
import { siteTime } from '../siteTime.js';
import { SEARCH_DEBOUNCE_MS } from '../../debounce.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const MAX_RECENT = 8; // conversations that stand there before anything is typed, and of those that have it in their names
const CHOOSE = 'choose'; // of who wrote it: somebody who is typed
const BETWEEN = 'between'; // the choice of two days
const LAST_DAY = '9999-12-31'; // that a date field takes

/** @typedef {import('./find.js').Found} Found */

/** What people wrote, which runs as its own script does. @param {string} className @param {(string | Node)[]} content */
const theirs = (className, ...content) => Object.assign(make('span', className, ...content), { dir: 'auto' });

/** @param {Found} found */
function messageOption(found) {
    const text = theirs('search-text', ...(found.file ? [`📎 ${found.text || 'File'}`] : marked(found.text, found.marks)));
    const link = option(found, found.address, theirs('search-name', whereSaid(found)), timeElement(found.at, 'search-time'), text);
    link.dataset.id = found.id;
    return link;
}

const personOption = (entry) =>
    option(entry, entry.room ? `/rooms/${encodeURIComponent(entry.jid.split('@')[0])}` : '/people', theirs('search-name', entry.name), theirs('search-text', entry.last ? lineWithAuthor(entry.last) : entry.room ? entry.about || 'Room' : 'Person'));

/** @param {import('./authors.js').Author} author */
function authorOption(author) {
    const link = option(author, '/people', theirs('search-name', author.self ? 'Me' : author.name), theirs('search-text'));
    link.dataset.author = author.name;
    return link;
}

/** Chooses from a list what may not be there yet. @param {HTMLSelectElement} list @param {string} value @param {string} label */
function choose(list, value, label) {
    list.value = value;
    if (list.value !== value) list.add(new Option(label, value, true, true));
}

/** The beginning of a day that a date field has, where somebody is; days later, if that is asked for. */
function startOfDay(field, later = 0) {
    const [year, month, day] = field.value.split('-').map(Number);
    return new Date(year, month - 1, day + later);
}

export class Search {
    /**
     * @param {import('../types.js').ChatConfig} config
     * @param {(jid: string, id?: string) => void} open opens a conversation, at a message of it
     * @param {() => import('../list/entries.js').Entry[]} listed the list of conversations
     */
    constructor(config, open, listed) {
        this.open = open;
        this.listed = listed;
        this.config = config;
        this.dialog = /** @type {HTMLDialogElement} */ (byId('search'));
        this.field = /** @type {HTMLInputElement} */ (byId('search-words'));
        this.filters = /** @type {HTMLFieldSetElement} */ (byId('search-filters'));
        this.results = byId('search-results');
        this.options = new Options(this.field, this.results);
        this.status = byId('search-status');
        this.onward = byId('search-onward');
        this.filters.hidden = !config.search;
        this.asked = new AbortController();
        this.next = '';
        this.loading = false;
        this.goOn = () => {};
        this.#listen();
    }

    #listen() {
        this.dialog.addEventListener('input', () => this.soon());
        this.dialog.addEventListener('click', (event) => this.onClick(event));
        this.results.addEventListener('scroll', () => this.reachEnd());
        this.onward.addEventListener('click', () => {
            this.field.focus(); // the button goes
            this.goOn();
        });
        byId('search-between').addEventListener('change', () => this.boundDays());
    }

    /**
     * Searches for what the field has; the dialog is open (openers.js).
     * @param {string} [jid] the conversation that is searched; without it, all are
     * @param {string} [name] what it is called
     * @param {boolean} [everywhere] among all messages, however the last search was narrowed
     */
    show(jid = '', name = '', everywhere = false) {
        this.narrowTo(jid, name);
        if (jid || everywhere) this.filter('by').value = '';
        if (everywhere) this.everywhere();
        this.fillWhere();
        this.search();
    }

    /** Words are looked for among all messages, however the last search was narrowed. */
    everywhere() {
        this.filter('days').value = '';
        this.filter('files').checked = false;
        byId('search-between').hidden = true;
    }

    /** Takes who was chosen, in the place of what was typed for that. @param {string} jid @param {string} name */
    chooseAuthor(jid, name) {
        choose(this.filter('by'), jid, `From ${name}`);
        this.field.value = takeAuthor(this.field.value);
        this.field.focus();
        this.search();
    }

    narrowTo(jid, name) {
        choose(this.filter('where'), jid, name);
    }

    soon() {
        const by = this.filter('by');
        if (by.value === CHOOSE) {
            by.value = '';
            this.field.value = `${takeAuthor(this.field.value)} from:`.trim();
            this.field.focus();
        }
        byId('search-between').hidden = this.filter('days').value !== BETWEEN;
        this.search(SEARCH_DEBOUNCE_MS);
    }

    /** Whom and which rooms one can narrow the search to, in the order of the list, and at the end who is chosen: what was just begun is there too. */
    fillWhere() {
        if (!this.config.search) return;
        const where = this.filter('where');
        if (where === document.activeElement) return; // somebody is choosing: what they point at would move
        const [chosen] = where.selectedOptions;
        const others = this.listed().filter(({ jid, room, last }) => (room || last) && jid !== where.value);
        where.replaceChildren(new Option('Everywhere', ''), ...others.map(({ jid, name, room }) => new Option(room ? `# ${name}` : name, jid)));
        if (!chosen?.value) return;
        where.add(chosen);
        where.value = chosen.value;
    }

    /** What narrows the search. @returns {any} a field or a list to choose from */
    filter(name) {
        return this.filters.elements.namedItem(name);
    }

    /** Of two days the second is not before the first. */
    boundDays() {
        this.filter('to').min = this.filter('from').value;
        this.filter('from').max = this.filter('to').value || LAST_DAY;
    }

    /** From when to when, as the site takes it. @returns {{from?: string, to?: string}} */
    when() {
        const { value } = this.filter('days');
        if (value && value !== BETWEEN) return { from: new Date(siteTime.now() - value * DAY_MS).toISOString() };
        const [from, to] = value ? [this.filter('from'), this.filter('to')] : [];
        return {
            ...(from?.value && { from: startOfDay(from).toISOString() }),
            ...(to?.value && { to: new Date(+startOfDay(to, 1) - 1).toISOString() }), // the last moment of the day, which has 23 hours once a year
        };
    }

    /** What is asked for, as the site takes it. @returns {Record<string, string>} */
    asks() {
        const [name, domain] = this.filter('where').value.split('@');
        const [by] = this.filter('by').value.split('@');
        return {
            q: this.field.value.trim(),
            ...(name && { [domain === this.config.roomsDomain ? 'room' : 'with']: name }),
            ...this.when(),
            ...(by && { by }),
            ...(this.filter('files').checked && { files: '1' }),
        };
    }

    /** @param {number} [pause] ms before the site is asked */
    async search(pause = 0) {
        this.asked.abort();
        clearTimeout(this.typing);
        const { signal } = (this.asked = new AbortController());
        this.next = '';
        this.loading = false;
        this.options.wait();
        const typed = this.config.search ? typedAuthor(this.field.value) : undefined;
        if (typed !== undefined) return this.suggest(typed, signal, pause);
        const asks = (this.latest = this.asks());
        if (asks.from && asks.to && asks.from > asks.to) return this.tell('The last day is before the first.');
        if (!asks.q && !asks.files && !asks.by) {
            if (asks.with || asks.room) return this.tell('Type words of a message.');
            return this.tell(this.config.search ? 'Type a name, or words of a message.' : 'Type a name.', group('Last conversations', this.recent()));
        }
        const narrowed = Object.keys(asks).length > 1; // besides the words
        const listed = narrowed ? [] : nearestFirst(this.listed().filter(({ name }) => hasWords(name, asks.q)), asks.q).slice(0, MAX_RECENT);
        this.results.scrollTop = 0;
        this.drawPeople(listed);
        await this.typingEnds(pause);
        this.say('Searching…');
        try {
            const messages = this.config.search ? findMessages(asks, signal) : Promise.resolve({ messages: [] });
            messages.catch(() => {}); // told below
            const { conversations } = narrowed ? { conversations: [] } : await ask('/xmpp/find', { q: asks.q }, signal);
            if (signal.aborted) return;
            const others = conversations.filter(({ jid }) => !listed.some((entry) => entry.jid === jid));
            this.drawPeople(nearestFirst([...listed, ...others], asks.q));
            if (this.options.chosen()) this.options.done(); // which no message comes before
            const answer = await messages;
            if (signal.aborted) return;
            this.add(answer.messages.map(messageOption));
            this.counted(answer);
            this.options.done();
        } catch (cause) {
            if (!signal.aborted) this.failed(cause);
        }
    }

    /** Waits for the rest of what somebody types: for ever, if they go on. @param {number} ms */
    typingEnds(ms) {
        return ms && new Promise((resolve) => (this.typing = setTimeout(resolve, ms)));
    }

    /** Offers whom somebody may mean. @param {string} name how it begins @param {AbortSignal} signal @param {number} pause ms before the site is asked */
    async suggest(name, signal, pause) {
        await this.typingEnds(pause);
        try {
            const people = await findAuthors(this.config, this.listed(), name, this.filter('where').value, signal);
            if (!signal.aborted) this.tell(people.length ? 'Choose a person.' : `Nobody is called “${name}”.`, group('Who wrote it', people.map(authorOption)));
        } catch (cause) {
            if (!signal.aborted) this.failed(cause);
        }
    }

    /** Says why something could not be looked for, and offers to try again. @param {unknown} cause */
    failed(cause) {
        this.say(failureText(cause));
        this.options.done(false);
        this.offer('Try again', () => this.search());
    }

    /** Says something, and takes away what could be done. */
    say(text) {
        this.status.textContent = text;
        this.onward.hidden = true;
    }

    /** Says something in the place of what was found, and offers what may be meant. @param {Element[]} [instead] */
    tell(text, instead = []) {
        this.options.relist(() => this.results.replaceChildren(...instead));
        this.options.done();
        this.say(text);
    }

    /** Where something was said last, and which is not open: pinned or not. */
    recent() {
        const others = this.listed().filter(({ last, open }) => last && !open);
        return others.sort((a, b) => (a.last.at < b.last.at ? 1 : -1)).slice(0, MAX_RECENT).map(personOption);
    }

    /** A button beside what is said. */
    offer(label, goOn) {
        this.onward.textContent = label;
        this.onward.hidden = false;
        this.goOn = goOn;
    }

    /** Lists people and rooms, and nothing else. */
    drawPeople(people) {
        this.options.relist(() => this.results.replaceChildren(...group('People and rooms', people.map(personOption))));
    }

    /** How much was found so far, and how it goes on. @param {import('./find.js').Messages} answer */
    counted({ next = '', late }) {
        this.next = next;
        const found = this.options.all().length;
        const count = found ? `${found} found.` : next ? 'Nothing found so far.' : `Nothing found.${this.config.search && this.field.value.trim() ? ' Try whole words.' : ''}`;
        const scrolls = this.results.scrollHeight > this.results.clientHeight; // a page may have few
        const more = late ? ' There was no time to look at everything.' : next && scrolls ? ' More come as you scroll.' : '';
        this.say(`${count}${more}`);
        if (next && (late || !scrolls)) this.offer('Search older messages', () => this.more());
    }

    /** The next page comes when the end of the list comes into sight. */
    reachEnd() {
        const { scrollTop, clientHeight, scrollHeight } = this.results;
        if (this.onward.hidden && scrollTop + 2 * clientHeight >= scrollHeight) this.more();
    }

    async more() {
        if (!this.next || this.loading) return;
        this.loading = true;
        const { signal } = this.asked;
        this.say('Searching…');
        try {
            const answer = await findMessages({ ...this.latest, before: this.next }, signal);
            this.add(answer.messages.map(messageOption));
            this.counted(answer);
        } catch (cause) {
            if (signal.aborted) return;
            this.say(`More could not be loaded. ${failureText(cause)}`);
            this.offer('Try again', () => this.more());
        }
        this.loading = false;
    }

    /** Adds messages to those that were found. */
    add(options) {
        const messages = this.results.querySelector('[data-group="Messages"]');
        if (messages) messages.append(...options);
        else this.results.append(...group('Messages', options));
        if (!this.options.chosen()) this.options.choose(this.options.all()[0]);
    }

    onClick(event) {
        const link = around(event, '.search-option');
        if (link?.dataset.author) {
            event.preventDefault();
            this.chooseAuthor(link.dataset.jid, link.dataset.author);
        } else if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
            event.preventDefault();
            this.dialog.close();
            this.open(link.dataset.jid, link.dataset.id);
        } else if (event.target === this.dialog) this.dialog.close();
    }
}

/** Options below a heading; none without options. */
function group(label, options) {
    if (options.length === 0) return [];
    const heading = make('p', 'search-heading', label);
    heading.setAttribute('aria-hidden', 'true');
    const element = make('div', 'search-group', heading, ...options);
    element.setAttribute('role', 'group');
    element.setAttribute('aria-label', label);
    element.dataset.group = label;
    return [element];
}
