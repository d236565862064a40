import { jumpToMessage } from '../history/jumpToMessage.js';

/** One part of a room's panel, such as its people. Parts draw themselves when the panel does. */
export class Part {
    /**
     * @param {Converse.Private} _converse
     * @param {import('../types.js').ChatConfig} config
     * @param {import('./panel.js').RoomPanel} panel
     */
    constructor(_converse, config, panel) {
        this._converse = _converse;
        this.config = config;
        this.panel = panel;
    }

    /** Another room is in sight, or none. */
    enter() {}

    /** The part is shown from now on. @returns {unknown} */
    opened() {
        return undefined;
    }

    /** The people of the room have changed. */
    changed() {}

    /** @returns {boolean} whether Escape ends something in this part */
    escape() {
        return false;
    }

    /** @param {Converse.Room} _room @returns {unknown} a template */
    render(_room) {
        return '';
    }

    /** Goes to a message of the room, which the panel may cover. @param {Converse.Room} room @param {string} id */
    show(room, id) {
        if (getComputedStyle(this.panel.element).position === 'absolute') this.panel.close();
        jumpToMessage(this._converse, room.get('jid'), id);
    }

    /** What was rendered is in the page. */
    drawn() {}
}
