// Somebody becomes a contact by the click that asks for it.

import { panel } from '../panel.js';

/**
 * Asks somebody to be a contact, or says yes to who has asked. What did not work is said.
 * @param {Converse.Private} _converse
 * @param {any} contact
 */
export async function makeContact({ api, state }, contact) {
    try {
        const jid = contact.get('jid');
        if (!contact.get('requesting')) await api.contacts.add({ jid, name: '', groups: [] });
        else {
            await state.roster.sendContactAddIQ({ jid, name: '', groups: [] });
            await contact.authorize().subscribeToPresence();
        }
        panel.warn('contact');
    } catch (cause) {
        console.warn('Somebody was not made a contact.', cause);
        panel.warn('contact', 'That did not work. Please try again.');
    }
}
