// What is behind a link, below the message that has it. The site fetches it
// (app/previews), and the page asks for what is drawn, all links at once: no browser
// asks a third party. Of messages that people encrypt, nothing is asked.

import { fileOf } from './files.js';
import { whenUnseen } from '../history/historyView.js';

const BATCH_WINDOW_MS = 150; // ms in which links are asked for at once
const MAX_BATCH = 20; // in one request, as the site takes
const MAX_CACHED = 500; // links whose answers a page keeps
const RETRY_MS = 120_000; // ms until a link of which nothing came is asked for again: there may be nothing, or nothing just now

/** @typedef {{title: string, site: string, description?: string, picture?: string}} Preview */

/** What the site said, by link. @type {Map<string, Promise<Preview | undefined>>} */
const asked = new Map();
/** The same, what has come: who is drawn again has its height at once. @type {Map<string, Preview>} */
const known = new Map();
/** @type {Map<string, (preview: Preview | undefined) => void>} */
let waiting = new Map();

async function ask() {
    const batch = [...waiting].slice(0, MAX_BATCH);
    waiting = new Map([...waiting].slice(MAX_BATCH));
    if (waiting.size) setTimeout(ask, BATCH_WINDOW_MS);
    const links = batch.map(([link]) => link);
    const response = await fetch('/xmpp/previews', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
        body: JSON.stringify({ links }),
    }).catch(() => null);
    const answer = response?.ok ? await response.json().catch(() => null) : null;
    for (const [link, settle] of batch) {
        const preview = answer?.previews?.[link];
        if (preview) known.set(link, preview);
        else if (!answer || answer.later?.includes(link)) setTimeout(() => asked.delete(link), RETRY_MS); // it may be known then
        settle(preview);
    }
}

function forget(link) {
    asked.delete(link);
    known.delete(link);
}

/** What is behind a link, if anything is shown of it. */
function previewOf(link) {
    let preview = asked.get(link);
    if (preview) return preview;
    preview = new Promise((resolve) => {
        if (waiting.size === 0) setTimeout(ask, BATCH_WINDOW_MS);
        waiting.set(link, resolve);
    });
    asked.set(link, preview);
    if (asked.size > MAX_CACHED) forget(asked.keys().next().value); // the oldest
    return preview;
}

/** The first link of a text that leads away from the site. @param {string} text */
function linkIn(text) {
    for (const [found] of text.matchAll(/https?:\/\/[^\s<>"']+/gi)) {
        const link = found.replace(/[).,;:!?\]}*_~`]+$/u, '');
        if (URL.canParse(link) && new URL(link).host !== location.host) return link;
    }
    return null;
}

/** The link of a message that gets a preview. */
function linkOf(config, model) {
    const { type, retracted, is_encrypted: encrypted, foyer_no_preview: removed, is_error: error } = model.attributes;
    if (encrypted || removed || retracted || error || !['chat', 'groupchat', 'normal'].includes(type) || fileOf(config, model)) return null;
    const lines = (model.get('message') || model.get('body') || '').split('\n').filter((line) => !line.startsWith('>')); // what is quoted has it above
    return linkIn(lines.join('\n'));
}

/**
 * Messages with a card for what they link to.
 * @param {import('../types.js').ChatConfig} config
 */
export function withPreviews(config, Message) {
    if (!config.previews) return Message;
    const { html } = window.converse.env;

    return class extends Message {
        async loadPreview(link) {
            [this.previewed, this.preview] = [link, known.get(link)];
            if (this.preview) return;
            const preview = await previewOf(link);
            if (this.previewed !== link) return; // it was edited meanwhile
            if (!preview) return void (this.previewed = undefined); // when it is drawn again
            whenUnseen(this, () => {
                if (this.previewed !== link) return; // it was edited
                this.preview = preview;
                this.requestUpdate();
            });
        }

        renderMessageText() {
            const link = linkOf(config, this.model);
            if (!link) return super.renderMessageText();
            if (link !== this.previewed) this.loadPreview(link);
            return html`${super.renderMessageText()}${this.preview ? this.renderPreview(link, this.preview) : ''}`; // the text's element stays the same one
        }

        /** @param {string} link @param {Preview} preview */
        renderPreview(link, { title, site, description, picture }) {
            return html`<div class="link-card">
                <a class="link-card__link" href=${link} target="_blank" rel="noopener noreferrer">
                    <span class="link-card__about"><span class="link-card__site" dir="auto">${site}</span><span class="link-card__title" dir="auto">${title}</span>
                        ${description ? html`<span class="link-card__description" dir="auto">${description}</span>` : ''}</span>
                    ${picture ? html`<img class="link-card__picture" src=${picture} alt="" loading="lazy" decoding="async" width="80" height="80">` : ''}
                </a>
                <button type="button" class="link-card__remove" title="Hide the preview" aria-label=${`Hide the preview of ${title}`}
                    @click=${() => this.hidePreview()}>✕</button>
            </div>`;
        }

        /** The card goes once the browser has kept that: it is not back after a reload. */
        async hidePreview() {
            await new Promise((done) => this.model.save({ foyer_no_preview: true }, { silent: true, success: done, error: done }));
            this.requestUpdate();
        }
    };
}
