// Opens the cards of people, which are fetched when somebody first touches the page (lazy.js).

import { openPrivately } from '../room/privateRecipient.js';
import { block } from './blocking.js';
import { addressOf, open } from '../conversation.js';
import { authorOf } from '../room/formerMembers.js';
import { withLazyUnlessBusy } from '../lazy.js';
import { ask } from '../dialogs/questions.js';

/** @typedef {import('./personCard.js').Subject} Subject */

/** @type {(subject: Subject, opener: Element | null) => void} */
let show = () => {};

export const personCard = {
    /**
     * @param {Converse.Private} _converse
     * @param {import('../types.js').ChatConfig} config
     * @param {{ close(): void, peopleChanged(): void }} panel the panel of the room that is open
     */
    prepare(_converse, config, panel) {
        /** @type {import('./personCard.js').PersonCard | undefined} */
        let card;
        /** @type {import('./personCard.js').Chat} */
        const chat = {
            open: (jid) => open(_converse, config, jid),
            addressOf: (jid) => addressOf(config, jid),
            block: (jid, name) => block(_converse, jid, name),
            writePrivately(room, occupant) {
                panel.close();
                openPrivately(room, occupant);
            },
            peopleChanged: () => panel.peopleChanged(),
            authorOf,
            ask,
        };
        show = (subject, opener) => withLazyUnlessBusy(({ PersonCard }) => (card ??= new PersonCard(_converse, config, chat)).show(subject, opener));
    },
    /** @param {Subject} subject @param {Element | null} opener what it is beside */
    show: (subject, opener) => show(subject, opener),
};
