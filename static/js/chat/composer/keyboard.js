// The keyboard of a phone: what is fixed to the window's bottom stands above it. Browsers
// that know `interactive-widget` make the window smaller by themselves; the others lay the
// keyboard over it, and would push the whole page up.

const MIN_KEYBOARD_PX = 80; // less is a bar of the browser's own

export function stayAboveKeyboard() {
    const { visualViewport: viewport } = window;
    if (!viewport) return;
    const { style } = document.documentElement;
    const follow = () => {
        const covered = viewport.scale > 1 ? 0 : window.innerHeight - viewport.height;
        style.setProperty('--keyboard', covered > MIN_KEYBOARD_PX ? `${Math.round(covered)}px` : '0px');
        if (covered > MIN_KEYBOARD_PX && document.activeElement?.closest('#chat')) window.scrollTo(0, 0);
    };
    viewport.addEventListener('resize', follow);
    viewport.addEventListener('scroll', follow);
}
