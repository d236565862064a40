// The picture that somebody chooses in the settings: it is shown at once as others will see it, and made small before it
// is sent, so that a photo may be as large, and of any format, as this browser can read. The page of the settings
// fetches this, no other does (site.js). Without it the site does the same (app/pictures), within bounds.

/** The square in the middle of a file's picture. @param {File} file @param {number} side in pixels @returns {Promise<HTMLCanvasElement>} */
async function square(file, side) {
    const bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' }); // upright, however the camera was held
    const most = Math.min(bitmap.width, bitmap.height);
    const canvas = Object.assign(document.createElement('canvas'), { width: side, height: side });
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, (bitmap.width - most) / 2, (bitmap.height - most) / 2, most, most, 0, 0, side, side);
    bitmap.close();
    return canvas;
}

/** What stands there until something is chosen. @type {WeakMap<Element, Element>} */
const saved = new WeakMap();

/** Shows a picture in the place of the one before; without one, the one that is saved. @param {HTMLElement} place @param {HTMLCanvasElement} [canvas] */
function show(place, canvas) {
    const before = /** @type {Element} */ (place.querySelector('.avatar'));
    if (!saved.has(place)) saved.set(place, before);
    if (canvas) canvas.className = 'avatar';
    before.replaceWith(canvas ?? /** @type {Element} */ (saved.get(place)));
    const note = /** @type {HTMLElement} */ (place.querySelector('[data-picture-note]'));
    note.hidden = !canvas;
    note.textContent = '';
    if (canvas) requestAnimationFrame(() => (note.textContent = note.dataset.pictureNote ?? '')); // what changes in it is read out
}

/** @param {HTMLInputElement} input @param {File | undefined} file */
async function take(input, file) {
    const place = /** @type {HTMLElement} */ (input.closest('[data-picture]'));
    const canvas = file && (await square(file, Number(place.dataset.picture)).catch(() => undefined)); // it is sent as it is, and the site says what is wrong
    const type = /^image\/(jpeg|hei[cf])/.test(file?.type ?? '') ? 'image/jpeg' : 'image/png'; // what may be seen through stays so
    const blob = canvas && (await new Promise((resolve) => canvas.toBlob(resolve, type, 0.9)));
    if (input.files?.[0] !== file) return; // another one was chosen
    show(place, blob ? canvas : undefined);
    if (!file || !blob) return;
    const chosen = new DataTransfer();
    chosen.items.add(new File([blob], file.name, { type }));
    input.files = chosen.files;
}

document.addEventListener('change', ({ target }) => {
    if (target instanceof HTMLInputElement && target.closest('[data-picture]')) take(target, target.files?.[0]);
});

export {}; // it is a module, which has no names for others
