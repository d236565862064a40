// What stands above the composer: files before they are sent, how far they are, and
// what did not get through.

import { formatBytes } from '../size.js';

const STATES = { chosen: '', waiting: 'Waiting', sending: 'Sending', away: 'Waiting for the connection' };

const ending = (name) => /\.(\w{1,4})$/.exec(name)?.[1].toUpperCase() ?? '•';

/**
 * @param {import('./queue.js').Queue} queue
 * @param {(item: import('./queue.js').Item) => void} cancel
 * @param {number} noticeable ms after which a text that waits is shown
 */
export function showQueue(queue, cancel, noticeable) {
    const { html } = window.converse.env;
    const files = queue.items.some(({ file }) => file);
    const items = queue.items.filter(({ state, since }) => files || state === 'failed' || Date.now() - since >= noticeable - 50);
    if (!items.length) return '';

    const sign = ({ picture, file }) => {
        if (picture) return html`<img class="tray-item__sign" src=${picture} alt="">`;
        return html`<span class="tray-item__sign" aria-hidden="true">${file ? ending(file.name) : '…'}</span>`;
    };
    const below = ({ file, state, progress, why }) => {
        if (state === 'failed') return html`<small class="tray-item__why" role="alert">${why}</small>`;
        const parts = [file ? formatBytes(file.size) : '', STATES[state]].filter(Boolean);
        return html`<small>${parts.join(' · ')}</small>${file && state === 'sending'
            ? html`<progress max="1" .value=${progress} aria-label=${`Sending ${file.name}`}></progress>` : ''}`;
    };
    const cancels = ({ state, permanent }) => (state === 'chosen' || permanent ? 'Remove' : 'Cancel');
    const row = (item) => {
        const name = item.file?.name ?? item.text;
        return html`<li class="tray-item tray-item--${item.state} ${item.picture ? 'tray-item--picture' : ''}">
            ${sign(item)}
            <span class="tray-item__about"><span class="tray-item__name">${name}</span>${below(item)}
                ${item.state === 'failed' && !item.permanent ? html`<button type="button" class="tray-item__again" @click=${() => queue.retry(item)}>Try again</button>` : ''}</span>
            <button type="button" class="tray-item__cancel" title=${cancels(item)} aria-label=${`${cancels(item)}: ${name}`} @click=${() => cancel(item)}>✕</button>
        </li>`;
    };
    return html`<ul class="tray" aria-label="To be sent">${items.map(row)}</ul>`;
}
