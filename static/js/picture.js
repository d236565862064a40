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

/** @param {HTMLInputElement} input @param {File} file */
async function take(input, file) {
    const place = /** @type {HTMLElement} */ (input.closest('[data-picture]'));
    const canvas = await square(file, Number(place.dataset.picture));
    const type = /^image\/(jpeg|hei[cf])/.test(file.type) ? 'image/jpeg' : 'image/png'; // what may be seen through stays so
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, type, 0.9));
    if (!blob || input.files?.[0] !== file) return; // another one was chosen
    const chosen = new DataTransfer();
    chosen.items.add(new File([blob], file.name, { type }));
    input.files = chosen.files;
    canvas.className = 'avatar';
    place.querySelector('.avatar')?.replaceWith(canvas);
    const note = /** @type {HTMLElement} */ (place.querySelector('[data-picture-note]'));
    note.hidden = false;
    requestAnimationFrame(() => (note.textContent = note.dataset.pictureNote ?? '')); // what changes in it is read out
}

document.addEventListener('change', ({ target }) => {
    if (!(target instanceof HTMLInputElement) || !target.closest('[data-picture]') || !target.files?.length) return;
    take(target, target.files[0]).catch(() => {}); // it is sent as it is, and the site says what is wrong
});

export {}; // it is a module, which has no names for others
