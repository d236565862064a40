// One row of the list of conversations.

import { make, picture, PIN } from '../elements.js';
import { longTime, shortTime } from './time.js';

/** @typedef {import('./entries.js').Entry} Entry */

const icon = (path) => {
    const holder = document.createElement('template');
    holder.innerHTML = `<svg viewBox="0 0 24 24" width="16" height="16" aria-hidden="true"><path fill="currentColor" d="${path}"/></svg>`;
    return /** @type {Element} */ (holder.content.firstElementChild);
};
const MUTED = 'M12 3a6 6 0 0 0-6 6v4l-2 3v1h11.2L5 6.8l1.4-1.4L21 20l-1.4 1.4-2.4-2.4H4m6 1h4a2 2 0 0 1-4 0zm8-8V9a6 6 0 0 0-9.3-5z';

const KINDS = { file: (text) => `📎 ${text || 'File'}`, encrypted: () => '🔒 Encrypted message', deleted: () => 'Deleted message' };

/** What stands before what its author does, “/me waves” (XEP-0245). */
const ME = '/me ';

/** Whether a line says what its author does, and is read after their name. @param {Pick<import('./entries.js').Line, 'kind' | 'text'>} line */
export const isAction = ({ kind, text }) => !kind && text.startsWith(ME);

/** What a message says, in one line. @param {import('./entries.js').Line} line */
export const lineText = (line) => KINDS[line.kind ?? '']?.(line.text) ?? line.text.slice(isAction(line) ? ME.length : 0);

/** The same, with its author's name where it is read after that. @param {import('./entries.js').Line} line */
export const lineWithAuthor = (line) => (isAction(line) ? `${line.by} ` : '') + lineText(line);

/** What stands before the name of what is not sent; of the rest, that it is being sent. */
const UNSENT = { chosen: 'Draft:', away: 'Not sent yet:', failed: 'Not sent:' };

/**
 * What is said below the name.
 * @param {Entry} entry
 */
function below(entry) {
    if (entry.typing) return make('span', 'conversation-line conversation-typing', entry.typing);
    const [state, name] = (!entry.open && (entry.unsent ?? (entry.draft && ['chosen', entry.draft]))) || [];
    if (state) return make('span', 'conversation-line', ...(UNSENT[state] ? [make('em', 'conversation-draft', UNSENT[state])] : ['Sending']), ` ${name}`);
    const { last } = entry;
    if (!last) return make('span', 'conversation-line', entry.room ? 'No messages yet' : entry.around ? 'Around' : '');
    const who = isAction(last) ? '' : last.mine ? 'You: ' : last.by ? `${last.by}: ` : '';
    const text = make('span', 'conversation-text', lineWithAuthor(last));
    text.dir = 'auto'; // cut where its own script ends
    return make('span', 'conversation-line', make('span', 'conversation-who', who), text);
}

/** What a screen reader says of the row besides its name. */
function said(entry) {
    const parts = [];
    if (entry.unread) parts.push(entry.unread === 1 ? '1 unread message' : `${entry.unread} unread messages`);
    if (entry.mentioned) parts.push('you are mentioned');
    if (entry.around) parts.push('around');
    if (entry.pinned) parts.push('pinned');
    if (entry.muted) parts.push('muted');
    return parts.join(', ');
}

/** What somebody chose or wrote, in the direction of its own script. */
const theirs = (element) => Object.assign(element, { dir: 'auto' });

/**
 * Fills a row.
 * @param {HTMLElement} row
 * @param {Entry} entry
 * @param {string} href
 */
export function fill(row, entry, href) {
    // The link stays: who presses it just while it changes has pressed it.
    const link = /** @type {HTMLAnchorElement} */ (row.firstElementChild ?? make('a', 'conversation'));
    link.href = href;
    link.dataset.turbo = 'false';
    link.dataset.jid = entry.jid;
    if (entry.open) link.setAttribute('aria-current', 'true');
    else link.removeAttribute('aria-current');
    link.classList.toggle('is-unread', entry.unread > 0 && !entry.muted);
    link.classList.toggle('is-muted', Boolean(entry.muted));

    const time = make('time', 'conversation-time', entry.last ? shortTime(entry.last.at) : '');
    if (entry.last) {
        time.setAttribute('datetime', entry.last.at);
        time.title = longTime(entry.last.at);
    }
    const marks = make('span', 'conversation-marks');
    if (entry.muted) marks.append(icon(MUTED));
    if (entry.pinned) marks.append(icon(PIN));
    if (entry.mentioned) marks.append(make('span', 'conversation-mention', '@'));
    if (entry.unread) marks.append(make('span', 'conversation-unread', entry.unread > 99 ? '99+' : String(entry.unread)));
    marks.setAttribute('aria-hidden', 'true');

    link.replaceChildren(
        picture(entry),
        theirs(make('span', 'conversation-name', entry.name)),
        time,
        theirs(below(entry)),
        marks,
        make('span', 'sr-only', said(entry)),
    );
    if (!link.parentElement) row.append(link);
}

/** What a row shows, to see whether it has to be filled again. */
export const shown = (entry) => JSON.stringify([entry, entry.last && shortTime(entry.last.at)]);
