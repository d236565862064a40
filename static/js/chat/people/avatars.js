// Initials in the place of pictures, as the list of conversations has them (elements.js): the same
// person has the same ones everywhere, and a name that begins with an emoji has that. The name
// stands beside each picture, so that a screen reader need not say it twice.

import { initials } from '../elements.js';

/** @param {Converse.Private} _converse */
// Patch: avatars
export function drawAvatars({ api }) {
    api.elements.define('converse-avatar', class extends api.elements.registry['converse-avatar'] {
        initialize() {
            super.initialize();
            this.ariaHidden = 'true';
        }

        getInitials(name) {
            return initials(name ?? '');
        }
    });
}
