// That somebody types is heard once, and again when they have stopped. Who is heard of no more,
// as the connection of one of the two is lost, has stopped as well.

const TYPING_TIMEOUT_MS = 90_000; // ms after which somebody who was said to type is not shown to type any more, unless that is said again

/** @param {any} box */
const nobodyTypes = ({ notifications }) => notifications?.set({ chat_state: null, composing: [] }); // composing: in rooms

/** @param {Converse.Private} _converse */
export function followTyping(_converse) {
    const { api } = _converse;
    const lost = () => _converse.state.chatboxes?.models.forEach((box) => nobodyTypes(box));
    window.addEventListener('offline', lost);
    for (const event of /** @type {const} */ (['will-reconnect', 'disconnected'])) api.listen.on(event, lost);
    api.listen.on('chatBoxInitialized', (box) => {
        /** @type {ReturnType<typeof setTimeout> | undefined} */
        let waiting;
        box.notifications.on('change:chat_state', () => {
            clearTimeout(waiting);
            if (box.notifications.get('chat_state')) waiting = setTimeout(() => nobodyTypes(box), TYPING_TIMEOUT_MS);
        });
    });
}
