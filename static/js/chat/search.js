// Search over all conversations and rooms, from the list's head and with Ctrl+K: people
// and rooms by name, and below them messages by their words (app/search.go). One field
// has the focus; the arrow keys choose among what was found.

import { around, byId } from '../dom.js';
import { open } from './conversation.js';
import { make, picture } from './list/row.js';
import { longTime, shortTime } from './list/time.js';

const TYPING = 180; // ms that somebody who types may pause before the site is asked
const DAY = 24 * 60 * 60 * 1000;

/**
 * @typedef {object} Found a message
 * @property {string} id
 * @property {string} at ISO 8601
 * @property {string} who
 * @property {string} jid of its conversation
 * @property {string} name of its conversation
 * @property {string} [picture]
 * @property {boolean} room
 * @property {boolean} [mine]
 * @property {boolean} [file]
 * @property {string} address
 * @property {string} text
 * @property {[number, number][]} [marks]
 */

async function ask(path, parameters, signal) {
    const response = await fetch(`${path}?${new URLSearchParams(parameters)}`, { headers: { Accept: 'application/json' }, cache: 'no-store', signal });
    if (response.status === 429) throw new Error('Too many searches at once. Please try again in a moment.');
    if (!response.ok) throw new Error('The search did not work. Please try again.');
    return response.json();
}

/** A text with its marks. */
function marked(text, marks = []) {
    const line = make('span', 'search-text');
    let at = 0;
    for (const [from, to] of marks) {
        line.append(text.slice(at, from), make('mark', '', text.slice(from, to)));
        at = to;
    }
    line.append(text.slice(at));
    return line;
}

/** One thing that was found. */
function option(entry, address, ...content) {
    const link = /** @type {HTMLAnchorElement} */ (make('a', 'search-option', picture(entry), ...content));
    link.href = address;
    link.tabIndex = -1;
    link.setAttribute('role', 'option');
    link.setAttribute('aria-selected', 'false');
    link.dataset.jid = entry.jid;
    return link;
}

/** @param {Found} found */
function messageOption(found) {
    const time = make('time', 'search-time', shortTime(found.at));
    time.setAttribute('datetime', found.at);
    time.title = longTime(found.at);
    const who = found.mine ? 'You' : found.who;
    const where = found.room ? `${who} in ${found.name}` : found.mine ? `You to ${found.name}` : who;
    const text = found.file ? marked(`📎 ${found.text || 'File'}`) : marked(found.text, found.marks);
    const link = option(found, found.address, make('span', 'search-name', where), time, text);
    link.dataset.id = found.id;
    return link;
}

const personOption = (entry) =>
    option(entry, entry.room ? `/rooms/${encodeURIComponent(entry.jid.split('@')[0])}` : '/people', make('span', 'search-name', entry.name), make('span', 'search-text', entry.room ? entry.about || 'Room' : 'Person'));

class Search {
    /** @param {import('./types.js').ChatConfig} config */
    constructor(_converse, config) {
        this.open = (jid, id) => open(_converse, config, jid, id);
        this.config = config;
        this.dialog = /** @type {HTMLDialogElement} */ (byId('search'));
        this.field = /** @type {HTMLInputElement} */ (byId('search-words'));
        this.filters = /** @type {HTMLFieldSetElement} */ (byId('search-filters'));
        this.results = byId('search-results');
        this.status = byId('search-status');
        this.filters.hidden = !config.search;
        this.asked = new AbortController();
        this.next = '';
    }

    listen() {
        this.dialog.addEventListener('input', () => this.soon());
        this.dialog.addEventListener('keydown', (event) => this.onKey(event));
        this.dialog.addEventListener('submit', (event) => event.preventDefault());
        this.dialog.addEventListener('click', (event) => this.onClick(event));
        this.results.addEventListener('scroll', () => this.more());
    }

    /**
     * @param {string} [jid] the conversation that is searched; without it, all are
     * @param {string} [name] what it is called
     */
    show(jid = '', name = '') {
        if (this.dialog.open) return;
        this.narrowTo(jid, name);
        this.dialog.showModal(); // gives the focus back when it closes
        this.field.select();
        this.fillWhere();
        this.search();
    }

    narrowTo(jid, name) {
        const where = this.select('where');
        if (jid && ![...where.options].some(({ value }) => value === jid)) where.add(new Option(name, jid));
        where.value = jid;
    }

    soon() {
        clearTimeout(this.typing);
        this.typing = setTimeout(() => this.search(), TYPING);
    }

    /** Whom and which rooms one can narrow the search to. */
    async fillWhere() {
        if (!this.config.search) return;
        const where = this.select('where');
        const { conversations } = await ask('/xmpp/conversations', {}).catch(() => ({ conversations: [] }));
        const [chosen] = where.selectedOptions;
        const others = conversations.filter(({ jid }) => jid !== chosen?.value);
        where.replaceChildren(new Option('Everywhere', ''), ...others.map(({ jid, name, room }) => new Option(room ? `# ${name}` : name, jid)));
        if (!chosen?.value) return;
        where.add(chosen);
        where.value = chosen.value;
    }

    /** @returns {HTMLSelectElement} */
    select(name) {
        return /** @type {HTMLSelectElement} */ (this.filters.elements.namedItem(name));
    }

    /** What is asked for, as the site takes it. @returns {Record<string, string>} */
    asks() {
        const files = /** @type {HTMLInputElement} */ (this.filters.elements.namedItem('files')).checked;
        const [name, domain] = this.select('where').value.split('@');
        const days = Number(this.select('days').value);
        return {
            q: this.field.value.trim(),
            ...(name && { [domain === this.config.roomsDomain ? 'room' : 'with']: name }),
            ...(days && { from: new Date(Date.now() - days * DAY).toISOString() }),
            ...(files && { files: '1' }),
        };
    }

    async search() {
        this.asked.abort();
        const { signal } = (this.asked = new AbortController());
        const asks = this.asks();
        this.next = '';
        this.latest = asks;
        const where = this.select('where').value;
        if (!asks.q && !asks.files) return this.tell(where ? 'Type words of a message.' : 'Type a name, or words of a message.');
        this.status.textContent = 'Searching…';
        try {
            const narrowed = asks.with || asks.room || asks.from || asks.files;
            const [people, messages] = await Promise.all([
                narrowed ? { conversations: [] } : ask('/xmpp/find', { q: asks.q }, signal),
                this.config.search ? ask('/xmpp/search', asks, signal) : { messages: [] },
            ]);
            if (!signal.aborted) this.draw(people.conversations, messages);
        } catch (cause) {
            if (!signal.aborted) this.tell(navigator.onLine ? /** @type {Error} */ (cause).message : 'You are offline. The search works again when you are back.');
        }
    }

    tell(text) {
        this.results.replaceChildren();
        this.choose(undefined);
        this.status.textContent = text;
    }

    draw(people, answer) {
        const groups = [group('People and rooms', people.map(personOption)), group('Messages', answer.messages.map(messageOption))];
        this.results.replaceChildren(...groups.filter((each) => each !== null));
        this.results.scrollTop = 0;
        this.choose(this.options()[0]);
        this.next = answer.next ?? '';
        const found = people.length + answer.messages.length;
        const more = this.next ? ' More come as you scroll.' : '';
        const left = answer.leftOut ? ` ${answer.leftOut} quiet rooms were not searched: choose one above.` : '';
        this.status.textContent = found ? `${found} found.${more}${left}` : `Nothing was found.${this.config.search ? ' Messages are found by whole words.' : ''}${left}`;
    }

    /** The next page, when the end of the list comes into sight. */
    async more() {
        const { scrollTop, clientHeight, scrollHeight } = this.results;
        if (!this.next || scrollTop + 2 * clientHeight < scrollHeight) return;
        const before = this.next;
        this.next = '';
        const { signal } = this.asked;
        try {
            const answer = await ask('/xmpp/search', { ...this.latest, before }, signal);
            this.results.lastElementChild?.append(...answer.messages.map(messageOption));
            this.next = answer.next ?? '';
            this.status.textContent = `${this.options().length} found.`;
        } catch (cause) {
            if (!signal.aborted) this.status.textContent = /** @type {Error} */ (cause).message;
        }
    }

    options() {
        return /** @type {HTMLElement[]} */ ([...this.results.querySelectorAll('.search-option')]);
    }

    chosen() {
        return /** @type {HTMLElement|null} */ (this.results.querySelector('[aria-selected="true"]'));
    }

    choose(next) {
        this.chosen()?.setAttribute('aria-selected', 'false');
        this.field.setAttribute('aria-activedescendant', next ? 'search-chosen' : '');
        this.results.querySelector('#search-chosen')?.removeAttribute('id');
        if (!next) return;
        next.id = 'search-chosen';
        next.setAttribute('aria-selected', 'true');
        next.scrollIntoView({ block: 'nearest' });
    }

    onKey(event) {
        const list = this.options();
        const at = list.indexOf(/** @type {HTMLElement} */ (this.chosen()));
        if (event.target !== this.field) return;
        if (event.key === 'ArrowDown') this.choose(list[Math.min(at + 1, list.length - 1)]);
        else if (event.key === 'ArrowUp') this.choose(list[Math.max(at - 1, 0)]);
        else if (event.key === 'Enter' && !event.isComposing) this.chosen()?.click();
        else return;
        event.preventDefault();
    }

    onClick(event) {
        const link = around(event, '.search-option');
        if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
            event.preventDefault();
            this.dialog.close();
            this.open(link.dataset.jid, link.dataset.id);
        } else if (around(event, '[data-search-close]') || event.target === this.dialog) this.dialog.close();
    }
}

/** Options below a heading. */
function group(label, options) {
    if (options.length === 0) return null;
    const heading = make('p', 'search-heading', label);
    heading.setAttribute('aria-hidden', 'true');
    const element = make('div', 'search-group', heading, ...options);
    element.setAttribute('role', 'group');
    element.setAttribute('aria-label', label);
    return element;
}

/**
 * @param {Converse.Private} _converse
 * @param {import('./types.js').ChatConfig} config
 */
export function offerSearch(_converse, config) {
    const search = new Search(_converse, config);
    search.listen();
    document.addEventListener('click', (event) => around(event, '[data-search]') && search.show());
    document.addEventListener('foyer:search', ({ detail: { jid, name } }) => search.show(jid, name));
    document.addEventListener('keydown', (event) => {
        if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== 'k') return;
        event.preventDefault();
        event.stopPropagation();
        search.show();
    }, { capture: true });
}
