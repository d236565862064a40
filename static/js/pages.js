// Page changes by Turbo: only the header and <main> are swapped, so that the
// chat's element never leaves the document.

import { stopUnloadPrompt } from './chat/composer/queue.js';

/** Replaces what belongs to the page and leaves the rest of the body alone. */
function swap(current, next) {
    // The site cannot tell who is signed in just now: the page stays that of the same person.
    const away = next.hasAttribute('data-away');
    if (!away && (current.dataset.user ?? '') !== (next.dataset.user ?? '')) {
        // Somebody else, or nobody, is signed in now: start again.
        stopUnloadPrompt();
        window.location.reload();
        return;
    }
    for (const id of away ? ['main'] : ['site-header', 'main']) {
        const fresh = next.querySelector(`#${id}`);
        if (fresh) current.querySelector(`#${id}`).replaceWith(fresh);
    }
    current.dataset.page = next.dataset.page;
    current.dataset.theme = next.dataset.theme;
    document.dispatchEvent(new CustomEvent('foyer:visit'));
    // A page knows the person's name of today.
    const configured = next.querySelector('#chat-config')?.textContent;
    document.dispatchEvent(new CustomEvent('foyer:page', { detail: configured ? JSON.parse(configured) : null }));
}

export function keepChatAcrossPages() {
    // Turbo stops reading what another visit has made superfluous, and forgets that this is no error. Scripts of the site,
    // which give up questions too, look at that where they ask; what takes too long is a TimeoutError, and seen.
    addEventListener('unhandledrejection', (event) => {
        if (event.reason?.name === 'AbortError') event.preventDefault();
    });
    document.addEventListener('turbo:before-render', (event) => {
        event.detail.render = async (current, next) => swap(current, next);
    });
    // Somebody was signed out meanwhile, or the site is away: a whole page says so.
    document.addEventListener('turbo:frame-missing', (event) => {
        event.preventDefault();
        event.detail.visit(event.detail.response);
    });
    // A part of a page is a page's change to the chat, as other people may be in it, but no visit: nobody went anywhere.
    document.addEventListener('turbo:frame-load', () => document.dispatchEvent(new CustomEvent('foyer:page')));
}
