// Converse opens what the page's address names: #converse/room?jid=… makes a room
// and enters it. A link on any other site can say that; here nothing happens
// without a click on one of our pages.

/** @param {Event} [event] */
function drop(event) {
    if (!location.hash.startsWith('#converse/')) return;
    event?.stopImmediatePropagation();
    history.replaceState(history.state, '', location.pathname + location.search);
}

/** Takes such an address away, now and later. Converse must not have started. */
// Patch: address
export function ignoreAddress() {
    drop();
    window.addEventListener('hashchange', drop, true);
}
