// What the page's own templates always have.

/**
 * The element with an id of views/layouts/main.html.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
    const element = document.getElementById(id);
    if (!element) throw new Error(`#${id} is not in this page`);
    return element;
}

/**
 * @param {string} selector
 * @param {ParentNode} [within]
 * @returns {HTMLElement[]}
 */
export const all = (selector, within = document) => [...within.querySelectorAll(/** @type {'div'} */ (selector))];

/**
 * What an event happened to, or what is around that.
 * @param {Event} event
 * @param {string} selector
 * @returns {HTMLElement|null}
 */
export const around = (event, selector) =>
    event.target instanceof Element ? event.target.closest(/** @type {'div'} */ (selector)) : null;

/** Whether a key is an input method's, of which Safari tells the last one by its code alone. @param {KeyboardEvent} event */
export const isComposing = (event) => event.isComposing || event.keyCode === 229;

/** Closes a dialog by a press beside it. @param {HTMLDialogElement} dialog */
export function closeBeside(dialog) {
    dialog.addEventListener('click', ({ target, clientX, clientY }) => {
        const { left, right, top, bottom } = dialog.getBoundingClientRect();
        const beside = clientX < left || clientX > right || clientY < top || clientY > bottom;
        if (target === dialog && beside) dialog.close();
    });
}

/** Does something once a dialog is closed. The browser tells of that a moment later: it may be open again by then. @param {HTMLDialogElement} dialog @param {() => void} act */
export const onClosed = (dialog, act) => dialog.addEventListener('close', () => dialog.open || act());

/**
 * What a function returns, as soon as that is something: it is called in each frame.
 * @param {() => any} look
 * @param {number} [frames] after which it is undefined
 */
export async function waitFor(look, frames = 300) {
    for (let i = 0; i < frames; i++) {
        const found = look();
        if (found) return found;
        await new Promise((done) => requestAnimationFrame(done));
    }
    return undefined;
}
