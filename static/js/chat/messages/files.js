// Files in messages: pictures in a frame of their own, sound and films to be played
// where they are, and all others as a card that says what they are.

import { all } from '../../dom.js';
import { isDeleted } from '../boxes.js';
import { whenUnseen } from '../history/historyView.js';
import { addressIn, nameOfFile } from '../list/entries.js';
import { formatBytes } from '../size.js';
import { withLazyUnlessBusy } from '../lazy.js';

/** What browsers show, by the endings of names. @type {[string, RegExp][]} */
const KINDS = [
    ['picture', /\.(?:png|jpe?g|gif|webp|avif|bmp)$/i],
    ['sound', /\.(?:mp3|m4a|ogg|oga|opus|wav|flac|aac)$/i],
    ['film', /\.(?:mp4|m4v|webm|ogv|mov)$/i],
];

/** Of what pictures the site makes small versions (app/uploads/small.go). */
const SHRINKS = /\/upload\/[^?#]+\.(?:png|jpe?g|webp)$/i;

/** @typedef {{url: string, shown: string, name: string, kind: string, type: string}} File the address of what is shown in a conversation is another one where a small version of it is enough */

/**
 * The file at an address; null where the site keeps none.
 * @param {import('../types.js').ChatConfig} config
 * @param {string} [address]
 * @returns {File | null}
 */
export function fileAt(config, address) {
    if (!address || !URL.canParse(address)) return null;
    const { protocol, host, hostname, href } = new URL(address);
    const isOurs = host === location.host || config.fileHosts.includes(hostname);
    if (!/^https?:$/.test(protocol) || !isOurs) return null;
    const name = nameOfFile(address) || 'File';
    return { url: href, shown: host === location.host && SHRINKS.test(href) ? `${href}?small` : href, name, kind: KINDS.find(([, ending]) => ending.test(name))?.[0] ?? 'other', type: /\.(\w{1,5})$/.exec(name)?.[1].toUpperCase() ?? '' };
}

/**
 * The file that a message is; null for one that says something.
 * @param {import('../types.js').ChatConfig} config
 */
export function fileOf(config, model) {
    return model.get('is_encrypted') ? null : fileAt(config, addressIn(model.getMessageText?.(), model.get('oob_url')));
}

/** How large files are, by their addresses, the oldest first: the server is asked once while they are shown. @type {Map<string, Promise<string>>} */
const sizes = new Map();
const MAX_CACHED_SIZES = 500; // as many as two windows of a history show

/** How large a file is that is kept here or where the chat server keeps it, in words; empty where that is not known. */
function sizeOf(url) {
    const known = sizes.get(url);
    if (known) return known;
    const asked = fetch(url, { method: 'HEAD' }).then(
        ({ ok, headers }) => (ok && headers.has('content-length') ? formatBytes(Number(headers.get('content-length'))) : ''),
        () => {
            sizes.delete(url);
            return '';
        },
    );
    sizes.set(url, asked);
    if (sizes.size > MAX_CACHED_SIZES) sizes.delete(sizes.keys().next().value ?? '');
    return asked;
}

/** Whether there is a picture at an address. */
const loads = (url) => Object.assign(new Image(), { src: url }).decode().then(() => true, () => false);

/** What could not be fetched is asked for again when the network is back. @param {Converse.Api} api */
export function fetchFilesAgain(api) {
    const again = () => all('converse-chat-message').forEach((message) => /** @type {any} */ (message).tryAgain());
    window.addEventListener('online', again);
    api.listen.on('reconnected', again);
}

/**
 * Messages that show the file they are.
 * @param {import('../types.js').ChatConfig} config
 */
export function withFiles(config, Message) {
    const { html } = window.converse.env;

    return class extends Message {
        renderMessageText() {
            const { model } = this;
            const file = model.get('error') || model.get('error_text') ? null : fileOf(config, model);
            if (!file) return super.renderMessageText();
            const hidden = model.get('hide_url_previews') === true || this.isBroken;
            if (hidden || file.kind === 'other') return this.renderCard(file);
            if (file.kind === 'picture') return this.renderPicture(file);
            const player = file.kind === 'sound'
                ? html`<audio controls preload="metadata" src=${file.url} aria-label=${file.name} @error=${() => this.giveUp()}></audio>`
                : html`<video controls preload="metadata" src=${file.url} aria-label=${file.name} @error=${() => this.giveUp()}></video>`;
            return html`<div class="file-player">${player}${this.renderCard(file)}</div>`;
        }

        /** Shows a file as a card that the browser cannot show otherwise. */
        giveUp() {
            const failed = (this.failed = {});
            whenUnseen(this, () => {
                if (failed !== this.failed) return;
                this.isBroken = true;
                this.requestUpdate();
            });
        }

        /** Shows what failed, and is there now: a picture, once the browser has it. */
        async tryAgain() {
            const file = fileOf(config, this.model);
            if (!file || (!this.failed && this.size !== '')) return;
            this.size = undefined;
            if (this.failed && (file.kind !== 'picture' || (await loads(file.shown)))) {
                this.failed = this.isBroken = undefined;
                for (const media of this.querySelectorAll('.chat-image, audio, video')) media.src = file.shown;
            }
            this.requestUpdate();
        }

        renderPicture({ url, shown, name }) {
            const look = (event) => {
                if (event.ctrlKey || event.metaKey || event.shiftKey) return;
                event.preventDefault();
                withLazyUnlessBusy(({ viewer }) => viewer.open(this.pictures(), url));
            };
            const measure = ({ target }) => target.classList.toggle('is-small', target.naturalHeight < target.parentElement.clientHeight);
            return html`<a class="file-picture" href=${url} target="_blank" rel="noopener" aria-label=${`Picture: ${name}`} @click=${look}>
                <img class="chat-image" src=${shown} alt=${name} loading="lazy" decoding="async" @load=${measure} @error=${() => this.giveUp()}>
            </a>`;
        }

        renderCard({ url, name, type }) {
            if (this.size === undefined) {
                this.size = '';
                sizeOf(url).then((size) => {
                    this.size = size;
                    if (size) this.requestUpdate();
                });
            }
            const below = [type, this.size].filter(Boolean).join(' · ');
            return html`<a class="file-card" href=${url} target="_blank" rel="noopener" download=${name}>
                <span class="file-card__sign" aria-hidden="true">${type.slice(0, 4) || '•'}</span>
                <span class="file-card__about"><span class="file-card__name">${name}</span>${below ? html`<small>${below}</small>` : ''}</span>
            </a>`;
        }

        /** The pictures of the conversation, in the order in which they came, without those that were deleted. */
        pictures() {
            return this.model.collection.models.flatMap((model) => (isDeleted(model) ? [] : fileOf(config, model) ?? [])).filter(({ kind }) => kind === 'picture');
        }
    };
}
