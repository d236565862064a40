// What servers and rooms can do (XEP-0030).

/**
 * An answer may come when the session that asked is over, after a restart of the site
 * for example. Converse has put away by then where it would be kept, and throws.
 * @param {Converse.Private} _converse
 */
export function dropLateDiscoReplies(_converse) {
    const { prototype } = _converse.exports.DiscoEntity;
    const { onDiscoItems } = prototype;
    // Patch: late-answers
    prototype.onDiscoItems = function (answer) {
        if (_converse.state.disco_entities) onDiscoItems.call(this, answer);
    };
    const { disco } = _converse.api;
    const { getIdentity } = disco;
    // Patch: no-identity
    disco.getIdentity = async (...asked) => ((await disco.entities.get(asked[2], true)) ? getIdentity(...asked) : undefined);
}

/**
 * One question at a time about what a room can do. Converse forgets what it knows before it asks again, and
 * takes the first answer that comes for that of its last question. A change of a room's settings is told to
 * everybody (XEP-0045 §10.2.1), and whoever made it asks, too: with two questions on their way, a room would be
 * known as one that can do nothing, or as it was before, until its next change.
 * @param {Converse.Private} _converse
 */
export function askRoomsInTurn({ api, exports }) {
    const { prototype } = exports.MUC;
    const { refreshDiscoInfo } = prototype;
    /** @type {WeakMap<Converse.Room, {waits: boolean, answer: Promise<unknown>}>} the last question to each room */
    let asked = new WeakMap();
    const forget = () => { asked = new WeakMap(); }; // no answer comes any more
    api.listen.on('disconnected', forget);
    api.listen.on('will-reconnect', forget);

    // Patch: asked-in-turn
    prototype.refreshDiscoInfo = function (options) {
        const before = asked.get(this);
        if (before?.waits) return before.answer; // not asked yet: it will tell of this change as well
        const question = { waits: Boolean(before), answer: /** @type {Promise<unknown>} */ (Promise.resolve()) };
        const ask = () => {
            question.waits = false;
            return refreshDiscoInfo.call(this, options);
        };
        question.answer = before ? before.answer.then(ask, ask) : ask();
        asked.set(this, question);
        const done = () => asked.get(this) === question && asked.delete(this);
        question.answer.then(done, done);
        return question.answer;
    };
}
