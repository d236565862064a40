// One chat for each person. When many messages of somebody come at once, as after
// a long absence, Converse makes a chat for every message: each asks the archive
// for everything, and what the others were given is lost with them.

// A room is there only when it has answered what it is. When the stream is lost
// before, that answer may never come; so the room is made again on the next one. It may
// come after all, too, and then the first is not to take the place of the one that is shown.

const ANOTHER_STREAM = Symbol('another stream');

/** Forgets a chat that is made once more: Converse leaves out what is not valid, and would take its address from what is kept. */
function giveUp(chat) {
    chat.isValid = () => false;
    chat.destroy = () => {};
    chat.removeHandlers?.(); // a room's: it hears nothing
    chat.collection = undefined; // and is not kept any more (detachedModels.js)
}

/** @param {Converse.Private} _converse */
export function dedupeChats(_converse) {
    const { api } = _converse;
    const create = api.chatboxes.create;
    const beingMade = new Map(); // by address

    let note = (_stream) => {};
    let anotherStream; // resolves when there is one
    const watchStream = () => {
        note(ANOTHER_STREAM);
        anotherStream = new Promise((resolve) => (note = resolve));
    };
    // Patch: made-again
    api.listen.on('reconnected', watchStream);
    watchStream();

    const make = async (key, attrs, Model) => {
        for (;;) {
            let begun;
            const Begun = function (...rest) {
                return (begun = new Model(...rest));
            };
            const chat = await Promise.race([create(key, { ...attrs }, Begun), anotherStream]);
            if (chat !== ANOTHER_STREAM) return chat;
            if (begun) giveUp(begun);
        }
    };
    const createOne = async (jid, attrs, model) => {
        await api.waitUntil('chatBoxesFetched');
        const key = window.converse.env.Strophe.getBareJidFromJid(jid.toLowerCase());
        const there = _converse.state.chatboxes.get(key) ?? beingMade.get(key);
        if (there) return there;
        const made = make(key, attrs, model).finally(() => beingMade.delete(key));
        beingMade.set(key, made);
        return made;
    };
    // Patch: one-chat-each
    api.chatboxes.create = async (jids = [], attrs = {}, model) =>
        typeof jids === 'string'
            ? createOne(jids, attrs, model)
            : Promise.all(jids.map((jid) => createOne(jid, { ...attrs }, model)));
}
