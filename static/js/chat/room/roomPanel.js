// Opens the panel of a room, which is fetched when somebody first touches the page (lazy.js), or at
// once where the page before had it open.

import { withLazy } from '../lazy.js';
import { keepInTab } from '../connection/tabStore.js';

/** @typedef {import('./panel.js').PartName} PartName */

const KEPT = 'foyer-room-panel'; // the part that is open, in the tab's storage

export const keptPart = () => sessionStorage.getItem(KEPT) ?? '';
export const keepPart = (/** @type {PartName | ''} */ part) => keepInTab(KEPT, part);

/** @typedef {import('./panel.js').RoomPanel} Panel */

/** @type {Panel | undefined} */
let panel;
/** @type {(use: (panel: Panel) => void) => void} */
let withPanel = () => {};

export const roomPanel = {
    /**
     * @param {Converse.Private} _converse
     * @param {import('../types.js').ChatConfig} config
     */
    prepare(_converse, config) {
        withPanel = (use) => withLazy(({ RoomPanel }) => use(panel ??= new RoomPanel(_converse, config)));
        if (keptPart()) withPanel(() => {});
    },
    /** @param {PartName} part */
    open: (part) => withPanel((panel) => panel.open(part)),
    /** @param {PartName} part */
    toggle: (part) => withPanel((panel) => panel.toggle(part)),
    close: () => panel?.close(),
    /** Opens the field for whom to invite. */
    invite: () => withPanel((panel) => {
        panel.open('members');
        panel.parts.members.invite();
    }),
    /** Fetches the people again: something was done with one of them. */
    peopleChanged: () => panel?.parts.members.load(),
};
