// One picture at a time, above the page, with the way to the one before and the next.

import { showModal } from '../dialogs/overlayHistory.js';

/** @typedef {{url: string, name: string}} Picture */

const make = (tag, properties, ...content) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...content);
    return element;
};

const button = (className, label, sign, act) => {
    const element = make('button', { type: 'button', className, title: label }, sign);
    element.setAttribute('aria-label', label);
    element.addEventListener('click', act);
    return element;
};

/** @param {Picture[]} pictures */
function show(pictures, at) {
    let index = at;
    const image = /** @type {HTMLImageElement} */ (make('img', { alt: '' }));
    const name = make('a', { className: 'viewer__name', download: '' });
    const place = make('span', { className: 'viewer__place' });
    const step = (by) => {
        index = (index + by + pictures.length) % pictures.length;
        const { url, name: called } = pictures[index];
        Object.assign(image, { src: url, alt: called });
        Object.assign(name, { href: url, textContent: called, title: `Save ${called}` });
        place.textContent = pictures.length > 1 ? `${index + 1} of ${pictures.length}` : '';
    };
    const dialog = /** @type {HTMLDialogElement} */ (make('dialog', { className: 'viewer' }));
    dialog.setAttribute('aria-label', 'Pictures');
    const close = () => dialog.close();
    const arrows = pictures.length > 1
        ? [button('viewer__back', 'Previous picture', '‹', () => step(-1)), button('viewer__on', 'Next picture', '›', () => step(1))]
        : [];
    const caption = make('p', { className: 'viewer__caption' }, name, place);
    caption.setAttribute('aria-live', 'polite');
    dialog.append(button('viewer__close', 'Close', '✕', close), image, ...arrows, caption);
    dialog.addEventListener('keydown', ({ key }) => {
        if (arrows.length && ['ArrowLeft', 'ArrowRight'].includes(key)) step(key === 'ArrowLeft' ? -1 : 1);
    });
    dialog.addEventListener('click', ({ target }) => target === dialog && close());
    dialog.addEventListener('close', () => dialog.remove());
    step(0);
    document.body.append(dialog);
    showModal(dialog);
}

export const viewer = {
    /**
     * @param {Picture[]} pictures
     * @param {string} url of the one to begin with
     */
    open(pictures, url) {
        const at = pictures.findIndex((picture) => picture.url === url);
        if (at >= 0 && !document.querySelector('dialog.viewer')) show(pictures, at);
    },
};
