// People are known by their names here: addresses are kept out of sight, and so
// is what would show or ask for one.

/** Takes "(XMPP address: …)" and bare addresses out of tooltips, in whatever language. */
function tidy(element) {
    const title = element.getAttribute?.('title');
    if (!title?.includes('@')) return;
    const rest = title.replace(/\s*\([^()]*@[^()]*\)/, '').replace(/\S+@\S+/g, '').trim();
    if (rest) element.setAttribute('title', rest);
    else element.removeAttribute('title');
}

/** @param {Converse.Private} _converse */
export function hideAddresses(_converse) {
    const { api } = _converse;
    api.listen.on('getHeadingButtons', (element, buttons) => buttons.filter((button) => button.name !== 'details'));

    const root = document.querySelector('#chat converse-root');
    new MutationObserver((changes) => {
        for (const { type, target, addedNodes } of changes) {
            if (type === 'attributes') tidy(target);
            for (const node of addedNodes) {
                if (!(node instanceof Element)) continue;
                tidy(node);
                node.querySelectorAll('[title*="@"]').forEach(tidy);
            }
        }
    }).observe(root, { subtree: true, childList: true, attributes: true, attributeFilter: ['title'] });
}
