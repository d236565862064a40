// What servers and rooms can do (XEP-0030).

/**
 * An answer may come when the session that asked is over, after a restart of the site
 * for example. Converse has put away by then where it would be kept, and throws.
 * @param {Converse.Private} _converse
 */
export function leaveOutLateAnswers(_converse) {
    const { prototype } = _converse.exports.DiscoEntity;
    const { onDiscoItems } = prototype;
    prototype.onDiscoItems = function (answer) {
        if (_converse.state.disco_entities) onDiscoItems.call(this, answer);
    };
}
