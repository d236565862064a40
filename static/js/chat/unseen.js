// Parts of Converse that the site has its own in place of, and hides (chat.css), are not
// drawn at all: they cost time, and what reads pages by their markup would find them.

/** @param {Converse.Private} _converse */
export function leaveOutUnseen({ api }) {
    api.elements.registry['converse-user-profile'].prototype.render = () => window.converse.env.html``;
}
