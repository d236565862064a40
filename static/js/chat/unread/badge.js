// How many messages are unread, on the icon of the tab and on that of the installed app.

const SIZE_PX = 64;

let plain = ''; // the address of the icon without a mark
let marked = ''; // that of the icon with one
let isShown = false;

/** The icon with a mark in its corner, in the colour of the other marks. */
async function mark() {
    const image = new Image(SIZE_PX, SIZE_PX);
    image.src = plain;
    await image.decode();
    const canvas = Object.assign(document.createElement('canvas'), { width: SIZE_PX, height: SIZE_PX });
    const draw = canvas.getContext('2d');
    const other = document.querySelector('[data-unread]');
    if (!draw || !other) return plain;
    draw.drawImage(image, 0, 0, SIZE_PX, SIZE_PX);
    draw.fillStyle = getComputedStyle(other).backgroundColor;
    draw.beginPath();
    draw.arc(SIZE_PX * 0.7, SIZE_PX * 0.3, SIZE_PX * 0.3, 0, 2 * Math.PI);
    draw.fill();
    return canvas.toDataURL();
}

async function showOnIcon() {
    const icon = /** @type {HTMLLinkElement | null} */ (document.querySelector('link[rel="icon"]'));
    if (!icon) return;
    if (!plain) plain = icon.href;
    if (isShown && !marked) marked = await mark();
    const href = isShown ? marked : plain; // which may have changed meanwhile
    if (icon.href !== href) icon.href = href;
}

/** @param {number} count */
export function showBadge(count) {
    isShown = count > 0;
    showOnIcon().catch((cause) => console.warn('The icon is not marked.', cause));
    const app = /** @type {any} */ (navigator);
    const told = isShown ? app.setAppBadge?.(count) : app.clearAppBadge?.();
    told?.catch(() => {}); // refused where the site is not installed
}
